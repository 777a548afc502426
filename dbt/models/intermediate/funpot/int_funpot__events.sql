{{ config(meta={'follows': [
    'users', 'referrals', 'streamers', 'events', 'votes', 'media_clips', 'payments', 'wallet_ledger',
]}) }}

with account_events as (select * from {{ ref('int_funpot__account_events') }}),

contest_events as (select * from {{ ref('int_funpot__contest_events') }}),

wallet_events as (select * from {{ ref('int_funpot__wallet_events') }}),

happened as (
    select * from account_events
    union all
    select * from contest_events
    union all
    select * from wallet_events
),

final as (
    select
        event_type || ':' || row_id as event_id,
        actor_id,
        event_type,
        subject_id,
        null::text as category_id,
        null::text as season_id,
        occurred_at,
        null::{{ json_type() }} as payload,
        _load_id
    from happened
    where occurred_at is not null
)

select * from final
