-- A deal that is touched may be another party's now, or funded earlier than was known: its points move, old days too.
select distinct (legs.posted_at at time zone 'UTC')::date as day
from {{ looked_up(
    'int_advert_market__deal_legs', 'touched_advert_market__contests', ['deal_id'], listed_as=['contest_id'],
) }} as legs
where legs.step in ('escrowed', 'owner_share', 'commission') and not {{ is_full('advert_market') }}
