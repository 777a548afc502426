with changed as (

    select
        system,
        board,
        period
    from {{ changes('leaderboard_scores', of_whole_systems=false) }} as scores
    union all
    select
        system,
        board,
        period
    from {{ changes('leaderboard_entities', of_whole_systems=false) }} as entities

)

select distinct
    system,
    board,
    period
from changed
