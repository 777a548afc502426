with lake as (

    select * from {{ ref('stg_synapse__event_lake') }}

),

seasons as (

    select * from {{ ref('int_synapse__seasons_bounded') }}

),

channels as (

    select * from {{ ref('int_synapse__channels_categorised') }}

),

-- Keys that carry words people wrote or names they bear. Most have no business in a captured event; a thread's `name`
-- is there by the source's own design.
words as (

    select array[
        'content', 'clean_content', 'system_content', 'text', 'body', 'message', 'comment', 'summary', 'description',
        'title', 'topic', 'subject', 'reason', 'embeds', 'attachments', 'name', 'channel_name', 'thread_name',
        'guild_name', 'nick', 'nickname', 'username', 'user_name', 'display_name', 'global_name', 'discord_name',
        'author', 'author_name', 'email', 'avatar', 'avatar_url', 'ip', 'ip_address'
    ] as keys

),

final as (

    select
        lake.event_id,
        lake.user_id::text as actor_id,
        lake.event_type,
        channels.category_id::text as category_id,
        seasons.season_id::text as season_id,
        lake.occurred_at,
        lake._load_id,
        coalesce(lake.channel_id, lake.target_id)::text as subject_id,
        case when jsonb_typeof(lake.payload) = 'object' then lake.payload - words.keys end as payload
    from lake
    cross join words
    left join channels on lake.channel_id = channels.channel_id
    left join seasons
        on
            lake.guild_id = seasons.guild_id
            and lake.occurred_at >= seasons.starts_at
            and lake.occurred_at < seasons.ends_at

)

select * from final
