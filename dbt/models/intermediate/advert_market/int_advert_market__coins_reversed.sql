with postings as (
    select
        *,
        row_number() over (partition by matched_within, amount order by moved_at, line_id) as nth
    from {{ ref('int_advert_market__coins_moved') }}
    where side = 'ledger' and direction = 'OUT'
),

-- Of equal postings the first goes with the first reversal, and so on.
paired as (
    select
        line_id,
        count(*) over (partition by matched_within, abs(amount), nth) as postings
    from postings
)

select line_id as entry_id
from paired
where postings = 2
