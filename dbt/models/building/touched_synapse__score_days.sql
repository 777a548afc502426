select distinct (rewarded_at at time zone 'UTC')::date as day
from {{ ref('stg_synapse__activity_log') }}
where {{ newly_loaded('synapse') }}
