with contests as (

    select contest_id
    from {{ changes('fct_votes', of_whole_systems=false) }} as votes
    where system = 'hermes'
    union
    select contest_id
    from {{ changes('fct_odds', of_whole_systems=false) }} as odds
    where system = 'hermes'

),

-- A pick scores when its market locks and whenever that is decided, which may be days after it was cast.
moments as (

    select
        market_id,
        lock_at as moment
    from {{ ref('int_hermes__markets_listed') }}
    union all
    select
        market_id,
        settled_at as moment
    from {{ ref('int_hermes__decisions') }}

)

select distinct (moments.moment at time zone 'UTC')::date as day
from contests
inner join moments on contests.contest_id = moments.market_id
where moments.moment is not null
