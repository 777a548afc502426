with movements as (

    select
        *,
        (posted_at at time zone 'UTC')::date as day
    from {{ ref('int_funpot__movements_booked') }}

),

days as (

    select
        unit,
        day,
        -coalesce(sum(amount) filter (where movement = 'stake_taken'), 0) as stakes,
        coalesce(sum(amount) filter (where movement in ('stake_refunded', 'stake_rolled_back')), 0) as stakes_returned,
        coalesce(sum(amount) filter (where movement in ('reward_paid', 'reward_clawed_back')), 0) as rewards,
        coalesce(sum(amount) filter (where movement in ('topup_paid', 'topup_clawed_back')), 0) as topups,
        coalesce(sum(amount) filter (where movement in ('referral_bonus_paid', 'referral_bonus_clawed_back')), 0)
            as bonuses,
        -coalesce(sum(amount) filter (where movement in ('withdrawal_taken', 'withdrawal_returned')), 0) as withdrawals,
        coalesce(sum(amount) filter (
            where movement not in (
                'stake_taken', 'stake_refunded', 'stake_rolled_back', 'reward_paid', 'reward_clawed_back', 'topup_paid',
                'topup_clawed_back', 'referral_bonus_paid', 'referral_bonus_clawed_back', 'withdrawal_taken',
                'withdrawal_returned'
            )
        ), 0) as other_given,
        sum(amount) as given
    from movements
    group by 1, 2

),

balanced as (

    select
        *,
        stakes - stakes_returned - rewards as game_result,
        -sum(given) over (partition by unit order by day) as closing
    from days

)

select
    'funpot'::text as system,
    unit,
    day,
    closing + given as opening,
    stakes,
    stakes_returned,
    rewards,
    game_result,
    topups,
    bonuses,
    withdrawals,
    other_given,
    closing
from balanced
where {{ is_open("'funpot'") }}
