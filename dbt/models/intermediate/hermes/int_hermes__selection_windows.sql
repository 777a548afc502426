with clips as (select * from {{ ref('stg_hermes__events') }}),

-- An asset's offsets win over the clip's; of several assets the first by key speaks for the clip.
media as (
    select distinct on (clip_id)
        clip_id,
        preview_end_ms - preview_start_ms as window_ms
    from {{ ref('stg_hermes__event_media') }}
    where preview_end_ms is not null and preview_start_ms is not null
    order by clip_id asc, media_id asc
),

final as (
    select
        clips.clip_id,
        coalesce(media.window_ms, clips.preview_end_ms - clips.preview_start_ms) as window_ms
    from clips
    left join media on clips.clip_id = media.clip_id
)

select * from final
