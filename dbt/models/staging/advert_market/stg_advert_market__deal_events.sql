select
    event_id::text as event_id,
    deal_id::text as deal_id,
    event_type::text as event_type,
    from_status::text as from_status,
    to_status::text as to_status,
    actor_id::text as actor_id,
    payload ->> 'ownerShareBp' as owner_share_bp_stated,
    payload ->> 'timeSincePublicationHours' as hours_live_stated,
    created_at as occurred_at,
    _load_id
from {{ source('advert_market', 'deal_events') }}
