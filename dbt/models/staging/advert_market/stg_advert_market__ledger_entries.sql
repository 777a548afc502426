select
    id::text as entry_id,
    tx_ref::text as tx_ref,
    tx_ref as tx_uuid,
    account_id::text as account_id,
    split_part(account_id, ':', 1) as account_kind,
    direction::text as direction,
    {{ whole("case direction when 'CREDIT' then amount_nano when 'DEBIT' then -amount_nano end") }} as amount,
    'nanoTON' as unit,
    -- A sweep names no deal, but the account that it empties does.
    coalesce(
        deal_id::text,
        case
            when
                split_part(account_id, ':', 1)
                in ('ESCROW', 'COMMISSION', 'PARTIAL_DEPOSIT', 'OVERPAYMENT', 'LATE_DEPOSIT')
                then split_part(account_id, ':', 2)
        end
    ) as deal_id,
    created_at as posted_at,
    _load_id
from {{ source('advert_market', 'ledger_entries') }}
