{{ config(meta={'follows': ['event_lake']}) }}

with lake as (

    select * from {{ ref('stg_synapse__event_lake') }}
    where {{ newly_loaded('synapse') }}

),

seasons as (

    select * from {{ ref('int_synapse__seasons_bounded') }}

),

channels as (

    select * from {{ ref('int_synapse__channels_categorised') }}

),

-- A thread counts for the channel it was opened in, not for the channel that it is itself.
placed as (

    select
        *,
        case
            when event_type = 'thread_create' then coalesce(target_id, channel_id)
            else coalesce(channel_id, target_id)
        end as place_id
    from lake

),

final as (

    select
        placed.event_id,
        placed.user_id::text as actor_id,
        placed.event_type,
        channels.category_id::text as category_id,
        seasons.season_id::text as season_id,
        placed.occurred_at,
        placed._load_id,
        placed.place_id::text as subject_id,
        {{ json_only('placed.payload', var('s003_payload_keys')) }} as payload
    from placed
    left join channels on placed.place_id = channels.channel_id
    left join seasons
        on
            placed.guild_id = seasons.guild_id
            and placed.occurred_at >= seasons.starts_at
            and placed.occurred_at < seasons.ends_at

)

select * from final
