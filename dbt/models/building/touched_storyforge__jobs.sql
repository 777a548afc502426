select job_id
from {{ ref('stg_storyforge__jobs') }}
where {{ newly_loaded('storyforge') }}
union
select job_id
from {{ ref('stg_storyforge__jobs_versions') }}
where {{ newly_loaded('storyforge') }}
