select
    id::text as activity_id,
    user_id,
    event_type,
    season_id,
    category_id,
    xp_delta,
    star_delta,
    source_system || ':' || source_event_id as idempotency_key,
    timestamp as rewarded_at,
    _load_id,
    case
        when {{ matches("metadata ->> 'tick_minutes'", '^[0-9]{1,6}$') }} then (metadata ->> 'tick_minutes')::integer
    end as tick_minutes,
    case
        when {{ matches("metadata ->> 'unique_reactor_count'", '^[0-9]{1,6}$') }}
            then (metadata ->> 'unique_reactor_count')::integer
    end as unique_reactors
from {{ source('synapse', 'activity_log') }}
