with contests as (
    select * from {{ ref('settlements') }}
    where system = 'hermes' and status in ('open', 'unsettled')
),

outcomes as (select * from {{ ref('stg_hermes__outcomes') }}),

picks as (
    select
        contest_id,
        option_id,
        count(*) as picks,
        sum(stake) as stake,
        sum(odds) as payout
    from {{ ref('fct_votes') }}
    where system = 'hermes' and accepted and payout is null
    group by 1, 2
)

select
    'hermes'::text as system,
    contests.contest_id,
    outcomes.outcome_id as option_id,
    outcomes.outcome_code as option_label,
    contests.title,
    contests.status,
    'unit'::text as unit,
    coalesce(picks.picks, 0) as picks,
    coalesce(picks.stake, {{ decimal(0) }}) as stake,
    coalesce(picks.payout, {{ decimal(0) }}) as payout_if_it_wins,
    coalesce(picks.payout, {{ decimal(0) }}) - contests.stakes as liability_if_it_wins
from contests
inner join outcomes on contests.contest_id = outcomes.market_id
left join picks on contests.contest_id = picks.contest_id and outcomes.outcome_id = picks.option_id
where {{ is_open("'hermes'") }}
