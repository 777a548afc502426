with contests as (
    select *
    from {{ ref('stg_funpot__events') }}
    where {{ newly_loaded('funpot') }}
),

votes as (
    select *
    from {{ ref('stg_funpot__votes') }}
    where {{ newly_loaded('funpot') }}
),

clips as (
    select *
    from {{ ref('stg_funpot__media_clips') }}
    where {{ newly_loaded('funpot') }}
),

decisions as (
    select *
    from {{ ref('int_funpot__contests_decided') }}
    where {{ newly_loaded('funpot') }}
),

stored as (
    select
        'clip_stored' as event_type,
        clip_id as row_id,
        null as actor_id,
        clip_id as subject_id,
        stored_at as occurred_at,
        _load_id
    from clips
),

opened as (
    select
        'event_created' as event_type,
        contest_id as row_id,
        null as actor_id,
        contest_id as subject_id,
        opened_at as occurred_at,
        _load_id
    from contests
),

voted as (
    select
        'vote_cast' as event_type,
        vote_id as row_id,
        voter_id as actor_id,
        contest_id as subject_id,
        cast_at as occurred_at,
        _load_id
    from votes
),

ended as (
    select
        case when decision = 'cancelled' then 'event_cancelled' else 'event_closed' end as event_type,
        contest_id as row_id,
        null as actor_id,
        contest_id as subject_id,
        case when decision = 'cancelled' then updated_at else closed_at end as occurred_at,
        _load_id
    from decisions
    where decision <> 'open'
),

settled as (
    select
        'event_settled' as event_type,
        contest_id as row_id,
        null as actor_id,
        contest_id as subject_id,
        updated_at as occurred_at,
        _load_id
    from decisions
    where decision in ('result', 'draw')
),

final as (
    select * from stored
    union all
    select * from opened
    union all
    select * from voted
    union all
    select * from ended
    union all
    select * from settled
)

select * from final
