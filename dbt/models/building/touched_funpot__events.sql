-- Votes, and postings that are events of their own, neither change nor vanish.
with accounts as (

    select
        'user_registered' as event_type,
        user_id as row_id,
        _load_id
    from {{ ref('stg_funpot__users') }}
    union all
    select
        'referral_accepted' as event_type,
        user_id as row_id,
        _load_id
    from {{ ref('stg_funpot__referrals') }}
    union all
    select
        'streamer_submitted' as event_type,
        streamer_id as row_id,
        _load_id
    from {{ ref('stg_funpot__streamers') }}

),

payments as (

    select
        kinds.event_type,
        payments.payment_id as row_id,
        payments._load_id
    from {{ ref('stg_funpot__payments') }} as payments
    cross join (values ('payment_created'), ('payment_paid'), ('payment_failed')) as kinds (event_type)

),

contests as (

    select
        kinds.event_type,
        contests.contest_id as row_id,
        contests._load_id
    from {{ ref('stg_funpot__events') }} as contests
    cross join
        (
            values ('event_created'), ('event_closed'), ('event_cancelled'), ('event_settled')
        ) as kinds (event_type)
    union all
    select
        'clip_stored' as event_type,
        clip_id as row_id,
        _load_id
    from {{ ref('stg_funpot__media_clips') }}

),

happened as (

    select * from accounts
    union all
    select * from payments
    union all
    select * from contests

)

select event_type || ':' || row_id as event_id
from happened
where {{ newly_loaded('funpot') }}
