with votes as (
    select *
    from {{ ref('fct_votes') }}
    where system = 'funpot' and accepted
),

payouts as (
    select *
    from {{ ref('settlement_payouts') }}
    where system = 'funpot'
),

settlements as (
    select *
    from {{ ref('settlements') }}
    where system = 'funpot'
),

settled as (
    select
        votes.voter_id,
        votes.contest_id,
        votes.stake,
        case when votes.is_winner then 1 else 0 end as hits,
        votes.is_winner is not null as counts_as_tried,
        coalesce(payouts.recorded_payout, payouts.expected_payout) - votes.stake as net,
        coalesce(settlements.settled_at, votes.cast_at) as happened_at
    from votes
    inner join payouts on votes.vote_id = payouts.vote_id
    inner join settlements on votes.contest_id = settlements.contest_id
),

points as (
    select
        boards.board,
        settled.voter_id as entity_id,
        boards.points,
        boards.weight,
        boards.tiebreak,
        settled.happened_at,
        'contest' as cause_kind,
        settled.contest_id as cause_id
    from settled
    cross join
        lateral (
            values
            ('voter_net', settled.net, null, settled.hits),
            ('voter_roi', settled.net, settled.stake, null),
            ('voter_hit_rate', settled.hits, 1, null)
        ) as boards (board, points, weight, tiebreak)
    where boards.board <> 'voter_hit_rate' or settled.counts_as_tried
    union all
    select
        boards.board,
        votes.voter_id as entity_id,
        0 as points,
        case when boards.board <> 'voter_net' then 0 end as weight,
        null as tiebreak,
        min(votes.cast_at) as happened_at,
        'entity' as cause_kind,
        votes.voter_id as cause_id
    from votes
    cross join (values ('voter_net'), ('voter_roi'), ('voter_hit_rate')) as boards (board)
    group by 1, 2
),

final as (
    select
        board,
        'lifetime' as period,
        entity_id,
        {{ decimal('points') }} as points,
        {{ whole('weight') }} as weight,
        {{ decimal('tiebreak') }} as tiebreak,
        happened_at,
        cause_kind,
        cause_id
    from points
)

select * from final
