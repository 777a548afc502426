select distinct
    tx_ref,
    tx_uuid
from {{ ref('stg_advert_market__ledger_entries') }}
where {{ newly_loaded('advert_market') }}
