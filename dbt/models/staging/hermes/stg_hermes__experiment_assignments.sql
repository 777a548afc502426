select
    id::text as assignment_id,
    user_id::text as user_id,
    session_id::text as session_id,
    variant,
    assigned_at,
    _load_id
from {{ source('hermes', 'experiment_assignments') }}
