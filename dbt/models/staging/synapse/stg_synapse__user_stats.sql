select
    user_id,
    season_id,
    season_stars,
    _load_id,
    coalesce(lifetime_stars, 0) as lifetime_stars,
    coalesce(messages_sent, 0) as messages_sent,
    coalesce(reactions_given, 0) as reactions_given,
    coalesce(reactions_received, 0) as reactions_received,
    coalesce(threads_created, 0) as threads_created,
    coalesce(voice_minutes, 0) as voice_minutes
from {{ source('synapse', 'user_stats') }}
