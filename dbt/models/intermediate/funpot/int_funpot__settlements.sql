{{ config(meta={'follows': ['events', 'games', 'votes', 'wallet_ledger']}) }}

with contests as (select * from {{ ref('int_funpot__contests_decided') }}),

newest as (select * from {{ ref('int_funpot__newest') }}),

rules as (select * from {{ ref('int_funpot__contest_rules') }}),

pools as (
    select
        contest_id,
        sum(stake) as stakes,
        sum(fee) as fee,
        sum(refund) as refunds,
        sum(payout) as payouts
    from {{ ref('int_funpot__stakes_settled') }}
    where standing <> 'rolled_back'
    group by 1
),

returns as (
    select
        contest_id,
        sum(amount) as returned,
        coalesce(min(posted_at) filter (where movement = 'reward_paid'), min(posted_at)) as first_returned_at
    from {{ ref('int_funpot__returns_recorded') }}
    group by 1
),

wrongly_paid as (
    select contest_id
    from {{ ref('int_funpot__settlement_payouts') }}
    group by contest_id, voter_id
    having sum(difference) <> 0
),

ledger as (select exists(select 1 from {{ ref('stg_funpot__wallet_ledger') }}) as is_delivered),

compared as (
    select
        contests.*,
        returns.first_returned_at,
        ledger.is_delivered,
        'pari-mutuel fee_bps=' || rtrim(rtrim(round(rules.fee_bps, 4)::text, '0'), '.')
        || ' step=' || rules.payout_step::text || ' ' || rules.no_winner || ' ' || rules.dead_heat as rule,
        contests.decision not in ('open', 'unsettled') as is_decided,
        contests.contest_id in (select wrongly_paid.contest_id from wrongly_paid) as is_wrongly_paid,
        case contests.decision
            when 'result' then greatest(contests.closes_at, contests.updated_at)
            else coalesce(contests.updated_at, contests.closes_at)
        end + interval '24 hours' < newest.newest_at as is_due,
        coalesce(pools.stakes, 0) as stakes,
        coalesce(pools.fee, 0) as fee,
        coalesce(pools.refunds, 0) as refunds,
        coalesce(pools.payouts, 0) as payouts,
        coalesce(returns.returned, 0) - coalesce(pools.refunds, 0) as paid
    from contests
    cross join ledger
    cross join newest
    inner join rules on contests.contest_id = rules.contest_id
    left join pools on contests.contest_id = pools.contest_id
    left join returns on contests.contest_id = returns.contest_id
),

final as (
    select
        contest_id,
        title,
        rule,
        'INT' as unit,
        outcome,
        stakes,
        case when is_decided then fee end as fee,
        case when is_decided then stakes - refunds - fee end as distributable,
        case when is_decided then payouts end as payouts_expected,
        case when is_delivered then paid end as payouts_recorded,
        case when is_decided then refunds end as refunds,
        case when is_decided then stakes - refunds - fee - payouts end as breakage,
        case when is_decided and is_delivered then paid - payouts end as difference,
        case
            when not is_decided then decision
            when is_delivered and (is_wrongly_paid or paid <> payouts)
                then case when is_due then 'differs' else 'pending' end
            when decision = 'cancelled' then 'cancelled'
            when is_delivered then 'settled'
            else 'unrecorded'
        end as status,
        case when is_decided then coalesce(first_returned_at, updated_at, closes_at) end as settled_at
    from compared
)

select * from final
