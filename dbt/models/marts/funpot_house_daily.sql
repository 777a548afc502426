with movements as (
    select
        unit,
        (posted_at at time zone 'UTC')::date as day,
        amount * times as amount,
        {{ funpot_movement("reason", "amount > 0", "idempotency_key") }} as movement
    from {{ changes('fct_ledger_entries') }} as entries
    where system = 'funpot' and account_kind = 'wallet'
),

changed as (
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

moved as (
    select * from changed
    {% if adds_to_published() -%}
        union all
        select
            unit,
            day,
            stakes,
            stakes_returned,
            rewards,
            topups,
            bonuses,
            withdrawals,
            other_given,
            opening - closing as given
        from {{ published_before() }} as published
    {%- endif %}
),

-- Postings are only ever added, so that no day goes away.
days as (
    select
        unit,
        day,
        sum(stakes) as stakes,
        sum(stakes_returned) as stakes_returned,
        sum(rewards) as rewards,
        sum(topups) as topups,
        sum(bonuses) as bonuses,
        sum(withdrawals) as withdrawals,
        sum(other_given) as other_given,
        sum(given) as given
    from moved
    group by 1, 2
),

balanced as (
    select
        *,
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
    stakes - stakes_returned - rewards as game_result,
    topups,
    bonuses,
    withdrawals,
    other_given,
    closing
from balanced
where {{ is_open("'funpot'") }}
