select
    id::text as localization_value_id,
    localization_key_id::text as localization_key_id,
    locale_code,
    text_value,
    _load_id
from {{ source('hermes', 'localization_values') }}
