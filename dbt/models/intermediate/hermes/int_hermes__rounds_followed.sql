with rounds as (
    select
        session_id,
        clip_id,
        preview_started_at,
        lead(preview_started_at) over (
            partition by session_id order by preview_started_at, clip_id
        ) as next_started_at
    from {{ ref('int_hermes__rounds_reported') }}
    where preview_started_at is not null
),

requests as (
    select * from {{ ref('int_hermes__telemetry_of_rounds') }}
    where event_type = 'next_round_requested'
),

exits as (select * from {{ ref('int_hermes__session_exits') }}),

requested as (
    select distinct
        rounds.session_id,
        rounds.clip_id
    from rounds
    inner join requests
        on
            rounds.session_id = requests.session_id
            and rounds.preview_started_at <= requests.occurred_at
            and (rounds.next_started_at is null or rounds.next_started_at > requests.occurred_at)
),

final as (
    select
        rounds.session_id,
        rounds.clip_id,
        requested.clip_id is not null as is_next_requested,
        rounds.next_started_at is null and coalesce(exits.is_exit, false) as is_exit
    from rounds
    left join requested on rounds.session_id = requested.session_id and rounds.clip_id = requested.clip_id
    left join exits on rounds.session_id = exits.session_id
)

select * from final
