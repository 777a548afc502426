select
    id::text as deal_id,
    advertiser_id::text as advertiser_id,
    channel_id::text as channel_id,
    owner_id::text as owner_id,
    status::text as status,
    {{ whole('amount_nano') }} as amount,
    'nanoTON' as unit,
    payout_tx_hash::text as payout_tx_hash,
    refunded_tx_hash::text as refund_tx_hash,
    funded_at,
    published_at,
    created_at as drafted_at,
    updated_at,
    _load_id
from {{ source('advert_market', 'deals') }}
