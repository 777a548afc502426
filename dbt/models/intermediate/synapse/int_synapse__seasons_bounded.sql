with seasons as (

    select * from {{ ref('stg_synapse__seasons') }}

),

-- Windows of one guild must not overlap. Where they do, the later season rules from its start, so that no event
-- belongs to two and the counters of seasons never add up to more than there were events.
bounded as (

    select
        season_id,
        guild_id,
        starts_at,
        least(ends_at, lead(starts_at) over (partition by guild_id order by starts_at, season_id)) as ends_at
    from seasons

)

select * from bounded
