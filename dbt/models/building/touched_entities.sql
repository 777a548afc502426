select
    'synapse' as system,
    user_id as entity_id
from {{ ref('touched_synapse__members') }}
union
select
    'storyforge' as system,
    entity_id
from {{ ref('touched_storyforge__entities') }}
