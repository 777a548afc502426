-- A contest that comes late, or with another streamer or game, moves what its votes scored on any day.
with contests as (select * from {{ ref('touched_funpot__contests') }}),

moments as (

    select votes.cast_at as moment
    from {{ ref('fct_votes') }} as votes
    inner join contests on votes.contest_id = contests.contest_id
    where votes.system = 'funpot'
    union all
    select settlements.settled_at as moment
    from {{ ref('settlements') }} as settlements
    inner join contests on settlements.contest_id = contests.contest_id
    where settlements.system = 'funpot' and settlements.settled_at is not null

)

select distinct (moment at time zone 'UTC')::date as day
from moments
