select
    id::text as entry_id,
    tx_ref::text as tx_ref,
    account_id::text as account_id,
    split_part(account_id, ':', 1) as account_kind,
    direction::text as direction,
    case direction when 'CREDIT' then amount_nano when 'DEBIT' then -amount_nano end::numeric as amount,
    'nanoTON' as unit,
    deal_id::text as deal_id,
    created_at as posted_at,
    _load_id
from {{ source('advert_market', 'ledger_entries') }}
