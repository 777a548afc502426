{{ config(materialized='table' if target.type == 'duckdb' else 'keys') }}

-- Boards on which nothing happened stand as they stood.
with last_days as (select * from {{ ref('int_leaderboard_last_days') }}),

scored as (

    select moved.* from last_days
    cross join
        lateral (
            select distinct
                daily.system,
                daily.board,
                daily.period
            from {{ ref('leaderboard_scores_daily') }} as daily
            where daily.system = last_days.system and daily.day = last_days.day
        ) as moved

),

entered as (

    select
        entities.system,
        entities.board,
        entities.period
    from {{ ref('leaderboard_entities') }} as entities
    inner join last_days on entities.system = last_days.system
    where entities.entered_at >= last_days.day::timestamp at time zone 'UTC'

),

boards as (

    select * from scored
    union
    select * from entered

)

select
    boards.system,
    boards.board,
    boards.period,
    last_days.day
from boards
inner join last_days on boards.system = last_days.system
