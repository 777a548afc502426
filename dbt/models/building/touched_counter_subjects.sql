select
    'synapse' as system,
    'user:' || user_id as subject
from {{ ref('touched_synapse__counters') }}
