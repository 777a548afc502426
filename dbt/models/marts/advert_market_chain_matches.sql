{{ config(
    indexes=[{'columns': ['matched_within']}, {'columns': ['classification']}],
    meta={'scope': {'columns': ['matched_within'], 'keys': 'touched_advert_market__coins'}}
) }}
-- depends_on: {{ ref('touched_advert_market__coins') if target.type != 'duckdb' }}

select
    'advert_market'::text as system,
    match_id,
    matched_within,
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
