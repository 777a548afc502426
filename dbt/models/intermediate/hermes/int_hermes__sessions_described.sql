with sessions as (select * from {{ ref('stg_hermes__sessions') }}),

participants as (select * from {{ ref('int_hermes__participants') }}),

final as (
    select
        sessions.session_id,
        sessions.user_id,
        participants.external_ref,
        coalesce(sessions.experiment_variant, participants.experiment_variant, 'unknown') as experiment_variant,
        coalesce(sessions.locale_code, participants.preferred_language, 'unknown') as locale_code,
        coalesce(participants.device_platform, 'unknown') as device_platform,
        sessions.started_at,
        sessions.ended_at
    from sessions
    left join participants on sessions.user_id = participants.user_id
)

select * from final
