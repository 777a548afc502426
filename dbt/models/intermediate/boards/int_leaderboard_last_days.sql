{{ config(materialized='table' if target.type == 'duckdb' else 'keys') }}

with systems as (

    select distinct system
    from {{ ref('int_leaderboard_registry') }}

),

newest as (

    select
        systems.system,
        greatest(
            {{ newest('leaderboard_scores_daily', 'day', 'systems.system') }},
            ({{ newest('leaderboard_entities', 'entered_at', 'systems.system') }} at time zone 'UTC')::date
        ) as day
    from systems

)

select * from newest
where day is not null
