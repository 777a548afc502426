with lifetime_counters as (

    select * from {{ ref('int_synapse__lake_counters_paired') }}
    where category_id = '0' and period = 'lifetime' and recorded > recounted

),

events as (

    select * from {{ ref('fct_events') }}
    where system = 'synapse'

),

rewards as (

    select * from {{ ref('synapse_rewards') }}

),

backfilled_types (reward_type, event_type) as (

    values
    ('MESSAGE', 'message_create'),
    ('REACTION_GIVEN', 'reaction_add'),
    ('THREAD_CREATE', 'thread_create'),
    ('VOICE_TICK', 'voice_join')

),

steps as (

    select
        lifetime_counters.user_id,
        lifetime_counters.event_type,
        rewards.rewarded_at as happened_at,
        1 as step
    from lifetime_counters
    inner join backfilled_types on lifetime_counters.event_type = backfilled_types.event_type
    inner join rewards
        on
            lifetime_counters.user_id = rewards.user_id
            and backfilled_types.reward_type = rewards.event_type
    union all
    select
        lifetime_counters.user_id,
        lifetime_counters.event_type,
        events.occurred_at as happened_at,
        -1 as step
    from lifetime_counters
    inner join events
        on
            lifetime_counters.user_id = events.actor_id
            and lifetime_counters.event_type = events.event_type

),

-- A backfill raises the counter to the rewards logged until then; from there on it grows with the lake. So it may
-- exceed all events by the largest lead that the log ever had over the lake.
leads as (

    select
        user_id,
        event_type,
        sum(step) over (partition by user_id, event_type order by happened_at) as lead_events
    from steps

),

final as (

    select
        user_id,
        event_type,
        max(lead_events) as excess_events
    from leads
    group by 1, 2

)

select * from final
