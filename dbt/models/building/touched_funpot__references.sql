select contest_id as ref_id
from {{ ref('touched_funpot__contests') }}
union all
select vote_id as ref_id
from {{ ref('stg_funpot__votes') }}
where contest_id in (select contests.contest_id from {{ ref('touched_funpot__contests') }} as contests)
