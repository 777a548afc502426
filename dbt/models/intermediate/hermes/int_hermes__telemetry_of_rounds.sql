with events as (
    select * from {{ ref('fct_events') }}
    where system = 'hermes'
),

markets as (select * from {{ ref('int_hermes__markets_listed') }}),

located as (
    select
        event_id,
        event_type,
        occurred_at,
        loaded_at,
        payload ->> 'session_id' as session_id,
        payload -> 'attributes' ->> 'event_id' as clip_id,
        payload -> 'attributes' ->> 'market_id' as market_id,
        {{ decimal("payload -> 'attributes' ->> 'countdown_ms_remaining'") }} as countdown_ms_remaining
    from events
),

final as (
    select
        located.session_id,
        coalesce(located.clip_id, markets.clip_id) as clip_id,
        located.event_id as telemetry_event_id,
        located.event_type,
        located.occurred_at,
        located.countdown_ms_remaining,
        located.loaded_at
    from located
    left join markets on located.market_id = markets.market_id
    where located.session_id is not null
)

select * from final
