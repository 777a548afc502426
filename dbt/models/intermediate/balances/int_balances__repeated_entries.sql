with entries as (

    select * from {{ ref('int_balances__drifting_entries') }}

),

numbered as (

    select
        *,
        lag(entry_id) over act_of_account as repeats_entry_id,
        lag(posted_at) over act_of_account as repeats_posted_at
    from entries
    window act_of_account as (partition by system, account_id, unit, act, amount order by posted_at, entry_id)

),

final as (

    select
        *,
        coalesce(idempotency_key, reference) is not null or accounts_moved <> account_id as is_certain
    from numbered
    where
        repeats_entry_id is not null
        -- What was reversed in between was done again, not twice.
        and not exists (
            select 1 from entries as reversals
            where
                reversals.system = numbered.system
                and reversals.account_id = numbered.account_id
                and reversals.unit = numbered.unit
                and reversals.amount = -numbered.amount
                and (reversals.reason = 'other' or reversals.reason like '%reversal')
                and reversals.posted_at between numbered.repeats_posted_at and numbered.posted_at
        )

)

select
    system,
    account_id,
    unit,
    entry_id,
    amount,
    posted_at,
    reason,
    repeats_entry_id,
    is_certain
from final
