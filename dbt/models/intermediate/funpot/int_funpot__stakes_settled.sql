with stakes as (select * from {{ ref('int_funpot__stakes_placed') }}),

pools as (
    select
        contest_id,
        coalesce(sum(stake - fee) filter (where standing = 'pooled'), 0) as distributable,
        coalesce(sum(stake) filter (where standing = 'pooled' and backs_winner), 0) as winning_stakes
    from stakes
    group by 1
),

winning_options as (
    select
        contest_id,
        option_id,
        sum(stake) as option_stakes,
        count(*) over (partition by contest_id) as backed_winners
    from stakes
    where standing = 'pooled' and backs_winner and stake > 0
    group by 1, 2
),

stood as (
    select
        stakes.*,
        winning_options.option_stakes * winning_options.backed_winners as option_parts,
        pools.distributable,
        pools.winning_stakes,
        stakes.dead_heat = 'split_profit' as splits_profit,
        case
            when stakes.standing <> 'pooled' then stakes.standing
            when pools.winning_stakes = 0 and stakes.no_winner = 'refund' then 'no_winner'
            when stakes.backs_winner then 'won'
            else 'lost'
        end as final_standing
    from stakes
    inner join pools on stakes.contest_id = pools.contest_id
    left join winning_options
        on stakes.contest_id = winning_options.contest_id and stakes.option_id = winning_options.option_id
),

-- A stake is paid `pot` times its part of `parts`. Where the fee is more than the losers staked, there is no profit to
-- split: all winners bear the lack alike.
divided as (
    select
        *,
        case
            when splits_profit and distributable >= winning_stakes
                then option_parts + distributable - winning_stakes
            else distributable
        end as pot,
        case when splits_profit and distributable < winning_stakes then winning_stakes else option_parts end as parts
    from stood
),

final as (
    select
        vote_id,
        contest_id,
        voter_id,
        option_id,
        stake,
        final_standing as standing,
        case final_standing when 'won' then true when 'lost' then false end as is_winner,
        case when final_standing in ('won', 'lost') then fee else {{ whole(0) }} end as fee,
        case
            when final_standing in ('draw', 'cancelled', 'scratched', 'no_winner') then stake else {{ whole(0) }}
        end as refund,
        case
            when final_standing = 'won' and stake > 0
                then {{ whole_division("pot * stake", "parts * payout_step") }} * payout_step
            else {{ whole(0) }}
        end as payout,
        cast_at,
        _load_id
    from divided
)

select * from final
