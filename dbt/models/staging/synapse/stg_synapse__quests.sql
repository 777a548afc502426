select
    id as quest_id,
    xp_reward,
    _load_id
from {{ source('synapse', 'quests') }}
