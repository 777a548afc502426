with intents as (select * from {{ ref('stg_hermes__bet_intents') }}),

numbered as (
    select
        *,
        row_number() over (
            partition by user_id, idempotency_key
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
        -- Without a key nothing ties two submissions together, so each stands for itself.
        idempotency_key is not null and attempt > 1 as is_replay,
        server_received_at,
        _load_id
    from numbered
)

select * from final
