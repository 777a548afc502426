with picks as (
    select * from {{ ref('fct_votes') }}
    where system = 'hermes'
),

sessions as (select * from {{ ref('stg_hermes__sessions') }}),

-- A pick refused for its session names one that had ended: the device that sent it was in the user's latest.
homes as (
    select distinct on (picks.vote_id)
        picks.vote_id,
        sessions.session_id
    from picks
    inner join sessions on picks.voter_id = sessions.user_id and picks.cast_at >= sessions.started_at
    where picks.verdict = 'rejected_invalid_session'
    order by picks.vote_id asc, sessions.started_at desc, sessions.session_id desc
),

answered as (
    select
        coalesce(homes.session_id, picks.session_id) as session_id,
        picks.cast_at,
        picks.is_replay,
        case
            when picks.is_replay then null
            when picks.verdict = 'accepted' then 'selection_accepted'
            when picks.verdict = 'rejected_duplicate' then 'duplicate_selection_attempt'
            else 'selection_rejected'
        end as answer
    from picks
    left join homes on picks.vote_id = homes.vote_id
),

final as (
    select
        answered.session_id,
        counters.counter,
        count(*) filter (where not answered.is_replay) as picks,
        count(*) filter (where answered.is_replay) as replays,
        max(answered.cast_at) as last_cast_at
    from answered
    cross join
        lateral (
            values
            ('selection_submitted'), ('selection_accepted'), ('selection_rejected'), ('duplicate_selection_attempt')
        ) as counters (counter)
    where
        answered.session_id is not null
        and (counters.counter in ('selection_submitted', answered.answer) or answered.is_replay)
    group by 1, 2
)

select * from final
