with final as (
    select
        boards.board,
        boards.title,
        boards.unit,
        boards.entity_type,
        'competition' as tie_rule,
        0 as minimum_weight
    from (
        values
        ('idea_likes', 'Ideas by likes', 'likes', 'idea'),
        ('idea_scenes', 'Ideas by scenes grown from them', 'scenes', 'idea'),
        ('scene_likes', 'Scenes by likes', 'likes', 'scene'),
        ('scene_segments', 'Scenes by segments', 'segments', 'scene'),
        ('scene_seconds', 'Scenes by length', 'seconds', 'scene'),
        ('scene_contributors', 'Scenes by contributors', 'people', 'scene'),
        ('scene_view_sessions', 'Scenes by viewing sessions', 'sessions', 'scene'),
        ('creator_likes', 'Creators by likes of their ideas and scenes', 'likes', 'user'),
        ('creator_segments', 'Creators by segments added', 'segments', 'user'),
        ('creator_seconds', 'Creators by seconds added', 'seconds', 'user'),
        ('creator_contributors', 'Creators by others who continued their scenes', 'people', 'user')
    ) as boards (board, title, unit, entity_type)
)

select * from final
