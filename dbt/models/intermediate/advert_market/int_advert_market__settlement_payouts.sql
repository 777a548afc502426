{{ config(meta={'follows': ['deals', 'deal_events']}) }}

with settlements as (
    select *
    from {{ ref('int_advert_market__settlements') }}
    where outcome is not null
),

contests as (select * from {{ ref('int_advert_market__contests_decided') }}),

parties as (
    select
        settlements.contest_id,
        'owner' as standing,
        contests.owner_id as voter_id,
        settlements.unit,
        settlements.stakes - settlements.refunds_expected as stake,
        settlements.payouts_expected as expected_payout,
        settlements.payouts_recorded as recorded_payout
    from settlements
    inner join contests on settlements.contest_id = contests.contest_id
    union all
    select
        settlements.contest_id,
        'advertiser' as standing,
        contests.advertiser_id as voter_id,
        settlements.unit,
        settlements.refunds_expected as stake,
        settlements.refunds_expected as expected_payout,
        case when settlements.payouts_recorded is not null then settlements.refunds end as recorded_payout
    from settlements
    inner join contests on settlements.contest_id = contests.contest_id
),

final as (
    select
        contest_id,
        contest_id || ':' || standing as vote_id,
        voter_id,
        standing,
        unit,
        stake,
        expected_payout,
        recorded_payout,
        recorded_payout - expected_payout as difference
    from parties
    where stake <> 0 or expected_payout <> 0 or recorded_payout <> 0
)

select * from final
