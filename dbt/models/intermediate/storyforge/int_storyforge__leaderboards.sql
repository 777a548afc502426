with scenes as (select * from {{ ref('int_storyforge__scenes_recounted') }}),

users as (select * from {{ ref('stg_storyforge__users') }}),

segments as (select * from {{ ref('stg_storyforge__segments') }}),

sessions as (select * from {{ ref('int_storyforge__view_sessions_started') }}),

points as (
    select
        'scene_likes' as board,
        scene_id as entity_id,
        likes as score
    from scenes
    union all
    select
        'scene_seconds' as board,
        scene_id as entity_id,
        seconds as score
    from scenes
    union all
    select
        'scene_view_sessions' as board,
        scene_id as entity_id,
        0 as score
    from scenes
    union all
    select
        'scene_view_sessions' as board,
        scene_id as entity_id,
        1 as score
    from sessions
    union all
    select
        'creator_segments' as board,
        user_id as entity_id,
        0 as score
    from users
    union all
    select
        'creator_segments' as board,
        contributor_id as entity_id,
        1 as score
    from segments
),

scores as (
    select
        board,
        entity_id,
        {{ whole('sum(score)') }} as score
    from points
    group by 1, 2
),

final as (
    select
        board,
        'lifetime' as period,
        rank() over (partition by board order by score desc) as rank,
        entity_id,
        score,
        'competition' as tie_rule
    from scores
)

select * from final
