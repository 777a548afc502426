{{ config(materialized='table' if target.type == 'duckdb' else 'keys') }}

with days as (

    select
        system,
        day
    from {{ ref('leaderboard_scores_daily') }}
    union
    select
        system,
        (entered_at at time zone 'UTC')::date as day
    from {{ ref('leaderboard_entities') }}

)

select
    system,
    max(day) as day
from days
group by 1
