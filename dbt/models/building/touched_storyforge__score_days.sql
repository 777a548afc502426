-- Who contributed first, and which view began a session, is told by more than the events that changed.
with moments as (

    select started_at as moment
    from {{ changes('storyforge_view_sessions', of_whole_systems=false) }} as sessions
    union all
    select first_added_at as moment
    from {{ changes('storyforge_contributions', of_whole_systems=false) }} as contributions

)

select distinct (moment at time zone 'UTC')::date as day
from moments
