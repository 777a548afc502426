with transactions as (
    select
        *,
        coalesce(deal_id, 'treasury') as matched_within
    from {{ ref('stg_advert_market__ton_transactions') }}
    where
        coins = 'moved'
        and {{ touched('advert_market', 'coins', "coalesce(deal_id, 'treasury')", 'matched_within') }}
),

deals as (select * from {{ ref('stg_advert_market__deals') }}),

-- In two parts, so that an index finds the deals.
postings as (
    select
        *,
        contest_id as matched_within
    from {{ ref('fct_ledger_entries') }}
    where
        system = 'advert_market'
        and account_kind = 'EXTERNAL_TON'
        and amount <> 0
        and contest_id is not null
        and {{ touched('advert_market', 'coins', 'contest_id', 'matched_within') }}
    union all
    select
        *,
        'treasury' as matched_within
    from {{ ref('fct_ledger_entries') }}
    where system = 'advert_market' and account_kind = 'EXTERNAL_TON' and amount <> 0 and contest_id is null
),

final as (
    select
        'chain' as side,
        transactions.tx_hash as line_id,
        null::text as tx_ref,
        transactions.matched_within,
        transactions.deal_id,
        transactions.direction,
        -- The chain does not say what coins that leave are for; the deal keeps the hash.
        case
            when transactions.direction = 'IN' then 'deposit'
            when transactions.deal_id is null then 'withdrawal'
            when transactions.tx_hash = deals.payout_tx_hash then 'payout'
            when transactions.tx_hash = deals.refund_tx_hash then 'refund'
        end as purpose,
        transactions.unit,
        transactions.amount,
        transactions.seen_at as moved_at
    from transactions
    left join deals on transactions.deal_id = deals.deal_id
    union all
    select
        'ledger' as side,
        entry_id as line_id,
        tx_ref,
        matched_within,
        contest_id as deal_id,
        case when amount < 0 and reason not like '%_reversal' then 'IN' else 'OUT' end as direction,
        case
            when reason in ('payout', 'payout_reversal') then 'payout'
            when reason in ('withdrawal', 'withdrawal_reversal') then 'withdrawal'
            when reason in ('refund', 'refund_reversal', 'partial_refund', 'partial_refund_reversal') then 'refund'
            when amount < 0 then 'deposit'
        end as purpose,
        unit,
        case when reason like '%_reversal' then amount else abs(amount) end as amount,
        posted_at as moved_at
    from postings
)

select * from final
