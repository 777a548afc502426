{{ config(meta={'follows': ['deal_events']}) }}

with deal_events as (
    select *
    from {{ ref('stg_advert_market__deal_events') }}
    where {{ newly_loaded('advert_market') }}
),

final as (
    select
        event_id,
        actor_id,
        case
            when to_status = 'DRAFT' then 'DRAFTED'
            when to_status = 'OFFER_PENDING' then 'OFFER_SUBMITTED'
            when to_status = 'ACCEPTED' then 'OFFER_ACCEPTED'
            -- A funded deal gets there again when the advertiser sends a creative back.
            when to_status = 'FUNDED' and from_status = 'CREATIVE_SUBMITTED' then 'REVISION_REQUESTED'
            when to_status = 'COMPLETED_RELEASED' then 'COMPLETED'
            else coalesce(to_status, event_type)
        end as event_type,
        deal_id as subject_id,
        null::text as category_id,
        null::text as season_id,
        occurred_at,
        {{ json_object({'from_status': 'from_status', 'to_status': 'to_status', 'named': 'event_type'}) }} as payload,
        _load_id
    from deal_events
)

select * from final
