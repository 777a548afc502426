{{ config(meta={'follows': [
    'events', 'markets', 'outcomes', 'odds_versions', 'outcome_odds', 'bet_intents', 'settlements',
]}) }}

with markets as (select * from {{ ref('int_hermes__markets_decided') }}),

picks as (
    select
        contest_id,
        sum(stake) as stakes,
        sum(payout) as payouts
    from {{ ref('int_hermes__votes') }}
    where accepted
    group by 1
),

staked as (
    select
        markets.*,
        markets.status in ('settled', 'void') as is_decided,
        coalesce(picks.stakes, {{ decimal(0) }}) as stakes,
        coalesce(picks.payouts, {{ decimal(0) }}) as payouts
    from markets
    left join picks on markets.market_id = picks.contest_id
),

final as (
    select
        market_id as contest_id,
        title,
        'unit' as unit,
        winning_outcome_id as outcome,
        stakes,
        case when is_decided then {{ decimal(0) }} end as fee,
        -- Prices are fixed when a pick is made: no pool is divided, so nothing can be left over from one.
        {{ decimal('null') }} as distributable,
        case status when 'settled' then payouts when 'void' then {{ decimal(0) }} end as payouts_expected,
        {{ decimal('null') }} as payouts_recorded,
        case status when 'settled' then {{ decimal(0) }} when 'void' then payouts end as refunds,
        {{ decimal('null') }} as breakage,
        {{ decimal('null') }} as difference,
        status,
        case when is_decided then settled_at end as settled_at,
        concat_ws(' ', 'fixed odds at acceptance', 'settlement_rule_key=' || settlement_rule_key) as rule,
        supersedes
    from staked
)

select * from final
