select
    id::text as channel_id,
    owner_id::text as owner_id,
    {{ whole('price_per_post_nano') }} as price,
    'nanoTON' as unit,
    is_active,
    created_at as listed_at,
    updated_at,
    _load_id
from {{ source('advert_market', 'channels') }}
