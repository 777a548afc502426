with users as (
    select *
    from {{ ref('stg_funpot__users') }}
    where {{ newly_loaded('funpot') }}
),

referrals as (
    select *
    from {{ ref('stg_funpot__referrals') }}
    where {{ newly_loaded('funpot') }}
),

streamers as (
    select *
    from {{ ref('stg_funpot__streamers') }}
    where {{ newly_loaded('funpot') }}
),

registered as (
    select
        'user_registered' as event_type,
        user_id as row_id,
        user_id as actor_id,
        user_id as subject_id,
        registered_at as occurred_at,
        _load_id
    from users
),

invited as (
    select
        'referral_accepted' as event_type,
        user_id as row_id,
        user_id as actor_id,
        inviter_user_id as subject_id,
        issued_at as occurred_at,
        _load_id
    from referrals
    where inviter_user_id is not null
),

submitted as (
    select
        'streamer_submitted' as event_type,
        streamer_id as row_id,
        added_by_user_id as actor_id,
        streamer_id as subject_id,
        submitted_at as occurred_at,
        _load_id
    from streamers
),

final as (
    select * from registered
    union all
    select * from invited
    union all
    select * from submitted
)

select * from final
