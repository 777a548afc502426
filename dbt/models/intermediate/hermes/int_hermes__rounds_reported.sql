with telemetry as (
    select * from {{ ref('int_hermes__telemetry_of_rounds') }}
    where clip_id is not null
),

final as (
    select
        session_id,
        clip_id,
        min(occurred_at) filter (where event_type = 'preview_started') as preview_started_at,
        min(occurred_at) filter (where event_type = 'outcome_selected') as outcome_selected_at,
        -- The countdown runs down, so that the first selection shows the most of it.
        max(countdown_ms_remaining) filter (where event_type = 'outcome_selected') as countdown_ms_remaining,
        coalesce(bool_or(event_type = 'market_locked'), false) as was_locked,
        coalesce(bool_or(event_type = 'result_viewed'), false) as is_completed,
        count(*) filter (where event_type = 'selection_rejected') as rejections_reported
    from telemetry
    group by 1, 2
)

select * from final
