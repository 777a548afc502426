-- A decision moves scores when it is made, and a later one of the same market takes that back before it moves its own:
-- so a board as of any instant shows the decision that was in force then.
with picks as (
    select * from {{ ref('fct_votes') }}
    where system = 'hermes' and accepted
),

markets as (select * from {{ ref('int_hermes__markets_listed') }}),

decisions as (select * from {{ ref('int_hermes__decisions') }}),

decided as (
    select
        picks.voter_id,
        picks.contest_id,
        picks.odds,
        picks.stake,
        picks.option_id = decisions.winning_outcome_id as has_won,
        decisions.settled_at,
        decisions.superseded_at
    from picks
    inner join markets on picks.contest_id = markets.market_id
    inner join decisions on picks.contest_id = decisions.market_id
    where decisions.ruling = 'settled' and coalesce(markets.status, '') <> 'void'
),

moved as (
    select
        decided.*,
        moves.direction,
        moves.happened_at
    from decided
    cross join
        lateral (
            values (1, decided.settled_at), (-1, decided.superseded_at)
        ) as moves (direction, happened_at)
    where moves.happened_at is not null
),

final as (
    select
        voter_id,
        contest_id,
        direction * (case when has_won then odds else {{ decimal(0) }} end - stake) as profit,
        direction * case when has_won then 1 else 0 end as hits,
        direction as decided_picks,
        happened_at
    from moved
)

select * from final
