with settlements as (select * from {{ ref('int_advert_market__settlements') }}),

contests as (select * from {{ ref('int_advert_market__contests_decided') }}),

final as (
    select
        settlements.contest_id,
        settlements.contest_id as vote_id,
        case when settlements.outcome = 'refunded' then contests.advertiser_id else contests.owner_id end as voter_id,
        settlements.unit,
        settlements.stakes as stake,
        settlements.payouts_expected + settlements.refunds as expected_payout,
        settlements.payouts_recorded + settlements.refunds as recorded_payout,
        settlements.difference
    from settlements
    inner join contests on settlements.contest_id = contests.contest_id
    where settlements.outcome is not null
)

select * from final
