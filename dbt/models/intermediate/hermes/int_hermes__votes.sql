{{ config(meta={'follows': [
    'events', 'markets', 'outcomes', 'odds_versions', 'outcome_odds', 'bet_intents', 'settlements',
]}) }}

with intents as (select * from {{ ref('int_hermes__intents_deduplicated') }}),

markets as (select * from {{ ref('int_hermes__markets_decided') }}),

prices as (select * from {{ ref('int_hermes__prices_published') }}),

outcomes as (select * from {{ ref('stg_hermes__outcomes') }}),

judged as (
    select
        intents.*,
        outcomes.outcome_code,
        prices.decimal_odds,
        markets.status,
        intents.is_accepted and not intents.is_replay as counts,
        intents.outcome_id = markets.winning_outcome_id as has_won,
        {{ hermes_is_late('intents.server_received_at', 'markets.lock_at') }} as is_late,
        greatest(intents._load_id, markets._load_id, prices._load_id) as latest_load_id
    from intents
    left join markets on intents.market_id = markets.market_id
    left join outcomes on intents.outcome_id = outcomes.outcome_id
    left join prices
        on
            intents.odds_version_id = prices.odds_version_id
            and intents.outcome_id = prices.outcome_id
),

final as (
    select
        intent_id as vote_id,
        market_id as contest_id,
        user_id as voter_id,
        outcome_id as option_id,
        outcome_code as option_label,
        {{ decimal(1) }} as stake,
        'unit' as unit,
        decimal_odds as odds,
        counts as accepted,
        case when counts and status = 'settled' then has_won end as is_winner,
        case
            when not counts then null
            when status = 'void' then {{ decimal(1) }}
            when status = 'settled' and has_won then decimal_odds
            when status = 'settled' then {{ decimal(0) }}
        end as payout,
        server_received_at as cast_at,
        session_id,
        verdict,
        acceptance_code,
        is_replay,
        is_late,
        client_sent_at as sent_at,
        latest_load_id as _load_id
    from judged
)

select * from final
