select
    category_id,
    interaction_type as event_type,
    _load_id,
    {{ decimal('coalesce(xp_multiplier, 1)') }} as xp_multiplier,
    {{ decimal('coalesce(star_multiplier, 1)') }} as star_multiplier
from {{ source('synapse', 'category_multipliers') }}
