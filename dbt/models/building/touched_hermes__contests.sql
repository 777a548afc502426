with prices as (

    select odds_version_id
    from {{ ref('stg_hermes__odds_versions') }}
    where {{ newly_loaded('hermes') }}
    union
    select odds_version_id
    from {{ ref('stg_hermes__outcome_odds') }}
    where {{ newly_loaded('hermes') }}

),

outcomes as (

    select outcome_id
    from {{ ref('stg_hermes__outcomes') }}
    where {{ newly_loaded('hermes') }}

),

clips as (

    select clip_id
    from {{ ref('stg_hermes__events') }}
    where {{ newly_loaded('hermes') }}

)

select intents.market_id as contest_id
from {{ ref('stg_hermes__bet_intents') }} as intents
where
    {{ newly_loaded('hermes', 'intents._load_id') }}
    or intents.odds_version_id in (select prices.odds_version_id from prices)
    or intents.outcome_id in (select outcomes.outcome_id from outcomes)
union
select markets.market_id as contest_id
from {{ ref('stg_hermes__markets') }} as markets
where {{ newly_loaded('hermes', 'markets._load_id') }} or markets.clip_id in (select clips.clip_id from clips)
union
select decisions.market_id as contest_id
from {{ ref('stg_hermes__settlements') }} as decisions
where
    {{ newly_loaded('hermes', 'decisions._load_id') }}
    or decisions.winning_outcome_id in (select outcomes.outcome_id from outcomes)
union
-- A decision that is now of another market leaves the one that it was of.
select told.contest_id
from {{ published('hermes_decisions') }} as told
inner join {{ ref('stg_hermes__settlements') }} as decisions on told.settlement_id = decisions.settlement_id
where {{ newly_loaded('hermes', 'decisions._load_id') }}
