select
    user_id::text as user_id,
    inviter_user_id::text as inviter_user_id,
    percent,
    created_at as issued_at,
    _load_id
from {{ source('funpot', 'referrals') }}
