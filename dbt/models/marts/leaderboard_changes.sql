{%- set key = ['system', 'board', 'period', 'entity_id'] %}
{%- set places_watched = 100 %}

with before as (select * from {{ ref('int_leaderboard_standings_before') }}),

after as (

    select leaderboards.*
    from {{ looked_up('leaderboards', 'int_leaderboard_boards_moved', ['system', 'board', 'period']) }} as leaderboards

),

compared as (

    select
        coalesce(after.system, before.system) as system,
        coalesce(after.board, before.board) as board,
        coalesce(after.period, before.period) as period,
        coalesce(after.entity_id, before.entity_id) as entity_id,
        before.score as score_before,
        after.score as score_after,
        before.rank as rank_before,
        after.rank as rank_after
    from before
    full outer join after on {{ same_key(key, 'before', 'after') }}

)

select
    compared.system,
    compared.board,
    compared.period,
    compared.entity_id,
    last_days.day,
    compared.score_before,
    compared.score_after,
    compared.rank_before,
    compared.rank_after,
    causes.causes
from compared
inner join {{ ref('int_leaderboard_last_days') }} as last_days on compared.system = last_days.system
left join {{ ref('int_leaderboard_causes') }} as causes on {{ same_key(key, 'causes', 'compared') }}
where
    {{ is_open('compared.system') }}
    and (
        compared.score_before is distinct from compared.score_after
        or (
            compared.rank_before <> compared.rank_after
            and least(compared.rank_before, compared.rank_after) <= {{ places_watched }}
        )
    )
