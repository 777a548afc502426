select
    id::text as localization_key_id,
    key_name,
    _load_id
from {{ source('hermes', 'localization_keys') }}
