{{ config(indexes=[{'columns': ['deal_id']}, {'columns': ['classification']}]) }}

select
    'advert_market'::text as system,
    match_id,
    deal_id,
    direction,
    purpose,
    tx_hash,
    entry_id,
    tx_ref,
    unit,
    chain_amount,
    ledger_amount,
    difference,
    classification,
    seen_at,
    posted_at
from {{ ref('int_advert_market__chain_matches') }}
where {{ is_open("'advert_market'") }}
