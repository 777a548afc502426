with matches as (
    select *
    from {{ ref('advert_market_chain_matches') }}
    where difference <> 0 and classification <> 'pending'
),

deals as (select * from {{ ref('stg_advert_market__deals') }}),

unrecorded as (
    select *
    from {{ ref('settlements') }}
    where system = 'advert_market' and status = 'unrecorded'
),

-- Nothing is missing of a record that nobody ever delivered.
delivered as (
    select
        count(tx_hash) > 0 as has_chain,
        count(entry_id) > 0 as has_ledger
    from {{ ref('advert_market_chain_matches') }}
),

final as (
    select
        case matches.direction when 'IN' then 'C-13' else 'C-14' end as rule_id,
        coalesce(matches.tx_hash, matches.entry_id) as subject,
        matches.difference as amount,
        matches.unit,
        case
            when matches.classification = 'over' then 'overpayment'
            when matches.classification = 'partial' then 'partial deposit'
            when matches.classification = 'unmatched chain' then 'coins without posting'
            when matches.classification = 'unmatched ledger' then 'posting without coins'
            else matches.classification
        end as cause,
        coalesce(matches.seen_at, matches.posted_at) as broken_since,
        {{ json_object({
            'deal_id': 'matches.deal_id',
            'tx_hash': 'matches.tx_hash',
            'tx_ref': 'matches.tx_ref',
            'chain_amount': 'matches.chain_amount',
            'ledger_amount': 'matches.ledger_amount',
            'seen_at': instant_text('matches.seen_at'),
            'posted_at': instant_text('matches.posted_at'),
        }) }} as evidence
    from matches
    cross join delivered
    cross join {{ ref('int_advert_market__newest_instant') }} as newest
    left join deals on matches.deal_id = deals.deal_id
    where
        delivered.has_chain
        and delivered.has_ledger
        -- One record may be delivered a little ahead of the other, and a part of the price may wait for the rest.
        and coalesce(matches.seen_at, matches.posted_at) < newest.newest_at - interval '10 minutes'
        and not (matches.classification = 'partial' and coalesce(deals.status = 'AWAITING_PAYMENT', false))
    union all
    select
        'C-09' as rule_id,
        unrecorded.contest_id as subject,
        unrecorded.stakes as amount,
        unrecorded.unit,
        'deal without posting' as cause,
        unrecorded.settled_at as broken_since,
        {{ json_object({'outcome': 'unrecorded.outcome', 'stakes': 'unrecorded.stakes'}) }} as evidence
    from unrecorded
    cross join delivered
    where delivered.has_ledger
)

select * from final
