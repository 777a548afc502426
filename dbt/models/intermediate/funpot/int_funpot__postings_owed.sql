with wallets as (
    select
        account_id,
        replace(account_id, 'WALLET:', '') as user_id
    from {{ ref('int_balances__drifting') }}
    where system = 'funpot'
),

votes as (
    select * from {{ ref('fct_votes') }}
    where system = 'funpot' and accepted and stake > 0
),

payouts as (
    select * from {{ ref('settlement_payouts') }}
    where system = 'funpot' and recorded_payout is not null
),

contests as (
    select * from {{ ref('settlements') }}
    where system = 'funpot'
),

payments as (
    select * from {{ ref('stg_funpot__payments') }}
    where status = 'paid'
),

referrals as (select * from {{ ref('stg_funpot__referrals') }}),

stakes as (
    select
        wallets.account_id,
        'stake' as kind,
        votes.vote_id as record_id,
        votes.contest_id as group_id,
        -votes.stake as expected,
        votes.cast_at as owed_at,
        'vote ' || votes.vote_id as witness
    from votes
    inner join wallets on votes.voter_id = wallets.user_id
),

returns as (
    select
        wallets.account_id,
        'return' as kind,
        payouts.vote_id as record_id,
        payouts.contest_id as group_id,
        payouts.expected_payout as expected,
        contests.settled_at as owed_at,
        'settlement of vote ' || payouts.vote_id as witness
    from payouts
    inner join wallets on payouts.voter_id = wallets.user_id
    inner join contests on payouts.contest_id = contests.contest_id
),

topups as (
    select
        wallets.account_id,
        'topup' as kind,
        payments.payment_id as record_id,
        payments.invoice_id as group_id,
        payments.amount as expected,
        payments.updated_at as owed_at,
        'payment ' || payments.payment_id as witness
    from payments
    inner join wallets on payments.user_id = wallets.user_id
),

bonuses as (
    select
        wallets.account_id,
        'bonus' as kind,
        payments.payment_id as record_id,
        payments.invoice_id as group_id,
        {{ whole_division('payments.amount * ' ~ whole('referrals.percent * 100'), 10000) }} as expected,
        payments.updated_at as owed_at,
        'payment ' || payments.payment_id || ' of an invited user' as witness
    from payments
    inner join referrals on payments.user_id = referrals.user_id
    inner join wallets on referrals.inviter_user_id = wallets.user_id
),

final as (
    select * from stakes
    union all
    select * from returns
    union all
    select * from topups
    union all
    select * from bonuses
)

select * from final
