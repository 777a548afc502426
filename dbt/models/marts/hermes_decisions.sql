with markets as (select * from {{ ref('int_hermes__markets_listed') }}),

decisions as (select * from {{ ref('int_hermes__decisions') }}),

picks as (
    select * from {{ ref('fct_votes') }}
    where system = 'hermes' and accepted
),

-- Only markets decided more than once need their picks summed again: settlements has the others.
reopened as (
    select market_id from decisions
    where superseded_by is not null
    group by 1
),

sums as (
    select
        decisions.settlement_id,
        sum(picks.odds) filter (where picks.option_id = decisions.winning_outcome_id) as winning_odds
    from decisions
    inner join reopened on decisions.market_id = reopened.market_id
    inner join picks on decisions.market_id = picks.contest_id
    group by 1
)

select
    'hermes'::text as system,
    decisions.settlement_id,
    decisions.market_id as contest_id,
    markets.title,
    decisions.ruling,
    decisions.winning_outcome_id as outcome,
    'unit'::text as unit,
    case decisions.ruling
        when 'settled' then coalesce(
            case when reopened.market_id is null then settlements.payouts_expected else sums.winning_odds end,
            {{ decimal(0) }}
        )
    end as payouts_expected,
    decisions.superseded_by is null and coalesce(markets.status, '') <> 'void' as is_in_force,
    decisions.superseded_by,
    decisions.settled_at,
    decisions.superseded_at
from decisions
left join markets on decisions.market_id = markets.market_id
left join reopened on decisions.market_id = reopened.market_id
left join sums on decisions.settlement_id = sums.settlement_id
left join {{ ref('settlements') }} as settlements
    on decisions.market_id = settlements.contest_id and settlements.system = 'hermes'
where {{ is_open("'hermes'") }}
