with seasons as (

    select * from {{ ref('stg_synapse__seasons') }}
    where starts_at < ends_at

),

edges as (

    select
        guild_id,
        starts_at as edge_at
    from seasons
    union
    select
        guild_id,
        ends_at as edge_at
    from seasons

),

pieces as (

    select
        guild_id,
        edge_at as starts_at,
        lead(edge_at) over (partition by guild_id order by edge_at) as ends_at
    from edges

),

-- Windows of one guild must not overlap. Where they do, the season that started last rules, so that no event belongs to
-- two and the counters of seasons never add up to more than there were events.
bounded as (

    select distinct on (pieces.guild_id, pieces.starts_at)
        seasons.season_id,
        pieces.guild_id,
        pieces.starts_at,
        pieces.ends_at
    from pieces
    inner join seasons
        on
            pieces.guild_id = seasons.guild_id
            and pieces.starts_at >= seasons.starts_at
            and pieces.ends_at <= seasons.ends_at
    order by pieces.guild_id asc, pieces.starts_at asc, seasons.starts_at desc, seasons.season_id desc

)

select * from bounded
