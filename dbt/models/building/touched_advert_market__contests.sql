select matched_within as contest_id
from {{ ref('touched_advert_market__coins') }}
where matched_within <> 'treasury'
union
-- What waited for its money may have waited long enough.
select settlements.contest_id
from {{ published('settlements') }} as settlements
where settlements.system = 'advert_market' and settlements.status = 'pending'
