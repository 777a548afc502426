with totals as (select * from {{ ref('int_funpot__totals_read') }}),

votes as (
    select
        fct_votes.contest_id,
        fct_votes.option_id,
        count(*) as vote_count,
        sum(fct_votes.stake) as gross,
        sum(fct_votes.stake - {{ funpot_fee('fct_votes.stake', 'rules.fee_bps') }}) as net
    from {{ ref('fct_votes') }} as fct_votes
    inner join {{ ref('int_funpot__contest_rules') }} as rules on fct_votes.contest_id = rules.contest_id
    where fct_votes.system = 'funpot' and fct_votes.accepted
    group by 1, 2
),

snapshots as (select * from {{ ref('int_funpot__totals_shown') }}),

-- An option that was voted on and is not in the snapshot was recorded as nothing.
options as (
    select
        contest_id,
        state,
        snapshot,
        option_id,
        recorded
    from totals
    union all
    select
        snapshots.contest_id,
        snapshots.state,
        snapshots.snapshot,
        votes.option_id,
        {{ whole(0) }} as recorded
    from snapshots
    inner join votes on snapshots.contest_id = votes.contest_id
    left join totals
        on
            snapshots.contest_id = totals.contest_id
            and snapshots.snapshot = totals.snapshot
            and votes.option_id = totals.option_id
    where totals.contest_id is null
),

final as (
    select
        options.contest_id,
        options.state,
        options.snapshot,
        options.option_id,
        options.recorded,
        {{ whole('coalesce(votes.vote_count, 0)') }} as vote_count,
        coalesce(votes.gross, 0) as gross,
        coalesce(votes.net, 0) as net
    from options
    left join votes on options.contest_id = votes.contest_id and options.option_id = votes.option_id
)

select * from final
