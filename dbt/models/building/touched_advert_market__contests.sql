select matched_within as contest_id
from {{ ref('touched_advert_market__coins') }}
where matched_within <> 'treasury'
