with deal_events as (select * from {{ ref('stg_advert_market__deal_events') }}),

final as (
    select
        event_id,
        actor_id,
        event_type,
        deal_id as subject_id,
        null::text as category_id,
        null::text as season_id,
        occurred_at,
        jsonb_build_object('from_status', from_status, 'to_status', to_status) as payload,
        _load_id
    from deal_events
)

select * from final
