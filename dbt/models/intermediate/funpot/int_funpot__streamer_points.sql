with contests as (
    select *
    from {{ ref('stg_funpot__events') }}
    where streamer_id is not null
),

votes as (
    select *
    from {{ ref('fct_votes') }}
    where system = 'funpot' and accepted
),

settlements as (
    select *
    from {{ ref('settlements') }}
    where system = 'funpot' and payouts_expected is not null
),

points as (
    select
        'streamer_ggr' as board,
        contests.streamer_id as entity_id,
        settlements.stakes - settlements.refunds
        - coalesce(settlements.payouts_recorded, settlements.payouts_expected) as points,
        settlements.settled_at as happened_at,
        'contest' as cause_kind,
        contests.contest_id as cause_id
    from contests
    inner join settlements on contests.contest_id = settlements.contest_id
    union all
    select
        'streamer_votes' as board,
        contests.streamer_id as entity_id,
        1 as points,
        votes.cast_at as happened_at,
        'event' as cause_kind,
        'vote_cast:' || votes.vote_id as cause_id
    from votes
    inner join contests on votes.contest_id = contests.contest_id
    union all
    select
        boards.board,
        streamers.streamer_id as entity_id,
        0 as points,
        streamers.submitted_at as happened_at,
        'entity' as cause_kind,
        streamers.streamer_id as cause_id
    from {{ ref('stg_funpot__streamers') }} as streamers
    cross join (values ('streamer_ggr'), ('streamer_votes')) as boards (board)
),

final as (
    select
        board,
        'lifetime' as period,
        entity_id,
        {{ decimal('points') }} as points,
        {{ whole('null') }} as weight,
        {{ decimal('null') }} as tiebreak,
        happened_at,
        cause_kind,
        cause_id
    from points
)

select * from final
