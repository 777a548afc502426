with users as (select * from {{ ref('stg_hermes__users') }}),

assignments as (
    select distinct on (user_id)
        user_id,
        variant
    from {{ ref('stg_hermes__experiment_assignments') }}
    order by user_id asc, assigned_at asc, assignment_id asc
),

final as (
    select
        users.user_id,
        users.external_ref,
        assignments.variant as experiment_variant,
        users.preferred_language,
        users.device_platform,
        users.created_at
    from users
    left join assignments on users.user_id = assignments.user_id
)

select * from final
