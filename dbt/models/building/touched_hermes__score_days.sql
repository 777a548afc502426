-- A pick scores when its market locks and whenever that is decided, which may be days after it was cast.
with contests as (select * from {{ ref('touched_hermes__contests') }}),

moments as (

    select odds.lock_at as moment
    from {{ ref('fct_odds') }} as odds
    inner join contests on odds.contest_id = contests.contest_id
    where odds.system = 'hermes'
    union all
    select decisions.settled_at as moment
    from {{ ref('int_hermes__decisions') }} as decisions
    inner join contests on decisions.market_id = contests.contest_id
    union all
    -- Where a lock or a decision has moved, also when it was before.
    select lock_at as moment
    from {{ changes('fct_odds', of_whole_systems=false) }} as odds
    where system = 'hermes'
    union all
    select settled_at as moment
    from {{ changes('hermes_decisions', of_whole_systems=false) }} as decisions

)

select distinct (moment at time zone 'UTC')::date as day
from moments
where moment is not null
