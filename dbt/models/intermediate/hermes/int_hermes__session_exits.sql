-- These tell that the app is going away, after the last thing that the participant did.
with telemetry as (
    select * from {{ ref('int_hermes__telemetry_of_rounds') }}
    where event_type not in ('session_ended', 'app_backgrounded', 'app_closed')
),

final as (
    select distinct on (session_id)
        session_id,
        event_type as last_event_type,
        occurred_at as last_event_at,
        event_type not in ('result_viewed', 'next_round_requested') as is_exit
    from telemetry
    order by session_id asc, occurred_at desc, telemetry_event_id desc
)

select * from final
