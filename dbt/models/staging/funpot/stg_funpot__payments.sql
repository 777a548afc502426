select
    id::text as payment_id,
    user_id::text as user_id,
    invoice_id,
    {{ whole('amount_int') }} as amount,
    status,
    created_at,
    updated_at,
    _load_id
from {{ source('funpot', 'payments') }}
