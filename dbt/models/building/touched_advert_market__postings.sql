with legs as (
    select distinct
        tx_ref,
        tx_uuid,
        deal_id
    from {{ ref('stg_advert_market__ledger_entries') }}
    where {{ newly_loaded('advert_market') }}
)

select
    tx_ref,
    tx_uuid
from legs
union
-- Whether a posting takes a refund back is told by the deal's refunds, which may come after it.
select
    entries.tx_ref,
    entries.tx_ref::uuid as tx_uuid
from {{ published('fct_ledger_entries') }} as entries
where
    entries.system = 'advert_market'
    and entries.contest_id in (select legs.deal_id from legs)
    and entries.reason in ('fund', 'refund', 'refund_reversal')
