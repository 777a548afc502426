select
    tx_hash::text as tx_hash,
    direction::text as direction,
    {{ whole('amount_nano') }} as amount,
    'nanoTON' as unit,
    deal_id::text as deal_id,
    confirmations,
    status::text as status,
    case
        when status in ('CONFIRMED', 'UNDERPAID', 'OVERPAID') then 'moved'
        when status in ('FAILED', 'TIMEOUT', 'ABANDONED') then 'failed'
        else 'under way'
    end as coins,
    created_at as seen_at,
    _load_id
from {{ source('advert_market', 'ton_transactions') }}
