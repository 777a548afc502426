{{ config(meta={'follows': ['ledger_entries']}) }}

with entries as (
    select *
    from {{ looked_up(
        'stg_advert_market__ledger_entries', 'touched_advert_market__postings', ['tx_uuid'], 'advert_market',
    ) }} as entries
),

postings as (select * from {{ ref('int_advert_market__postings_classified') }}),

final as (
    select
        entries.entry_id,
        entries.tx_ref,
        entries.account_id,
        entries.account_kind,
        entries.unit,
        entries.amount,
        postings.reason,
        coalesce(entries.deal_id, postings.deal_id) as contest_id,
        entries.deal_id as reference,
        null::text as idempotency_key,
        entries.posted_at,
        entries._load_id
    from entries
    inner join postings on entries.tx_ref = postings.tx_ref
)

select * from final
