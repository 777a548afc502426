-- Events tell the arm and the language of their session.
with sessions as (

    select session_id
    from {{ ref('stg_hermes__sessions') }}
    where {{ newly_loaded('hermes') }}

)

select telemetry.event_id
from {{ ref('stg_hermes__analytics_events') }} as telemetry
where
    {{ newly_loaded('hermes', 'telemetry._load_id') }}
    or telemetry.session_id in (select sessions.session_id from sessions)
union
select attributes.event_id
from {{ ref('stg_hermes__analytics_event_attributes') }} as attributes
where {{ newly_loaded('hermes', 'attributes._load_id') }}
