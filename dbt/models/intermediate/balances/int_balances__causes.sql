with suspicions as (

    select
        *,
        sum(amount) over of_cause as amount_of_cause
    from {{ ref('int_balances__suspicions') }}
    window of_cause as (partition by system, account_id, unit, cause)

),

-- One of them, or all of a kind together, must be worth the drift to the last unit.
sufficient as (

    select * from suspicions
    where amount = drift or amount_of_cause = drift

),

first_ones as (

    select distinct on (system, account_id, unit) *
    from sufficient
    order by system, account_id, unit, precedence, happened_at, entry_id, witness

)

select
    system,
    account_id,
    unit,
    cause,
    entry_id,
    happened_at,
    witness
from first_ones
