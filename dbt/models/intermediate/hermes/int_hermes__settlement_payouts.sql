{{ config(meta={'follows': [
    'events', 'markets', 'outcomes', 'odds_versions', 'outcome_odds', 'bet_intents', 'settlements',
]}) }}

with votes as (
    select *
    from {{ ref('int_hermes__votes') }}
    where accepted
),

markets as (
    select *
    from {{ ref('int_hermes__markets_decided') }}
    where status in ('settled', 'void')
),

final as (
    select
        votes.contest_id,
        votes.vote_id,
        votes.voter_id,
        votes.unit,
        votes.stake,
        votes.payout as expected_payout,
        {{ decimal('null') }} as recorded_payout,
        {{ decimal('null') }} as difference,
        case when votes.is_winner then 'won' when votes.is_winner is null then 'void' else 'lost' end as standing
    from votes
    inner join markets on votes.contest_id = markets.market_id
)

select * from final
