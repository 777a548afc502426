with intents as (
    select *
    from {{ ref('stg_hermes__bet_intents') }}
    where {{ touched('hermes', 'contests', 'market_id', 'contest_id') }}
),

numbered as (
    select
        *,
        row_number() over (
            partition by user_id, market_id, idempotency_key
            order by server_received_at, intent_id
        ) as attempt
    from intents
),

final as (
    select
        intent_id,
        user_id,
        session_id,
        market_id,
        outcome_id,
        odds_version_id,
        is_accepted,
        case
            when is_accepted then 'accepted'
            when {{ matches('lower(acceptance_code)', 'session') }} then 'rejected_invalid_session'
            when {{ matches('lower(acceptance_code)', '(^|[^b])lock|closed|too_?late') }} then 'rejected_locked'
            when {{ matches('lower(acceptance_code)', 'duplicate') }} then 'rejected_duplicate'
            when {{ matches('lower(acceptance_code)', 'stale|odds|price') }} then 'rejected_stale_odds'
            when {{ matches('lower(acceptance_code)', 'outcome') }} then 'rejected_invalid_outcome'
            when {{ matches('lower(acceptance_code)', 'market') }} then 'rejected_invalid_market'
            else 'rejected_other'
        end as verdict,
        acceptance_code,
        -- Without a key nothing ties two submissions together, so each stands for itself.
        idempotency_key is not null and attempt > 1 as is_replay,
        client_sent_at,
        server_received_at,
        _load_id
    from numbered
)

select * from final
