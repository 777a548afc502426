with postings as (
    select
        *,
        row_number() over (partition by matched_within, amount order by moved_at, line_id) as nth
    from {{ ref('int_advert_market__coins_moved') }}
    where side = 'ledger' and direction = 'OUT'
)

-- Of equal postings the first goes with the first reversal, and so on.
select postings.line_id as entry_id
from postings
inner join postings as others
    on
        postings.matched_within = others.matched_within
        and postings.amount = -others.amount
        and postings.nth = others.nth
