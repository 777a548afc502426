select
    category_id,
    channel_id,
    _load_id
from {{ source('synapse', 'category_channels') }}
