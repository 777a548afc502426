{{ config(meta={'scope': 'candidates'}, indexes=[{'columns': ['user_id', 'rewarded_at']}]) }}

select
    'synapse'::text as system,
    activity_id,
    user_id,
    event_type,
    season_id,
    category_id,
    {{ whole('xp_delta') }} as xp,
    {{ whole('star_delta') }} as stars,
    {{ whole('voice_minutes') }} as voice_minutes,
    xp_limit,
    star_limit,
    rewarded_at
from {{ ref('int_synapse__rewards') }}
where {{ is_open("'synapse'") }}
