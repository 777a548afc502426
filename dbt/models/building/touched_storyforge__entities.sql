select idea_id as entity_id
from {{ ref('stg_storyforge__ideas') }}
where {{ newly_loaded('storyforge') }}
union
select scene_id as entity_id
from {{ ref('stg_storyforge__scenes') }}
where {{ newly_loaded('storyforge') }}
union
select user_id as entity_id
from {{ ref('stg_storyforge__users') }}
where {{ newly_loaded('storyforge') }}
