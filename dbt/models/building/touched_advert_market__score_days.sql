-- A deal that is touched may be another party's now, or funded earlier than was known: its points move, old days too.
select distinct (legs.posted_at at time zone 'UTC')::date as day
from {{ ref('int_advert_market__deal_legs') }} as legs
where
    legs.step in ('escrowed', 'owner_share', 'commission')
    and {{ touched('advert_market', 'contests', 'legs.deal_id', 'contest_id') }}
