with accounts as (

    select * from {{ ref('int_balances__drifting') }}

),

entries as (

    select * from {{ ref('int_balances__drifting_entries') }}

),

moments as (

    select
        system,
        account_id,
        unit,
        posted_at as happened_at,
        false as is_snapshot,
        entry_id,
        amount,
        null as recorded
    from entries
    union all
    select
        snapshots.system,
        snapshots.account_id,
        snapshots.unit,
        snapshots.recorded_at as happened_at,
        true as is_snapshot,
        null as entry_id,
        0 as amount,
        snapshots.recorded
    from {{ ref('int_balances__snapshots') }} as snapshots
    inner join accounts
        on
            snapshots.system = accounts.system
            and snapshots.account_id = accounts.account_id
            and snapshots.unit = accounts.unit

),

-- A balance holds what was posted up to its own instant.
compared as (

    select
        *,
        recorded - sum(amount) over (
            partition by system, account_id, unit order by happened_at, is_snapshot
        ) as difference
    from moments

),

agreed as (

    select
        *,
        max(happened_at) filter (where difference = 0) over (
            partition by system, account_id, unit
        ) as agreed_until
    from compared

),

parted as (

    select
        system,
        account_id,
        unit,
        agreed_until,
        min(happened_at) filter (where is_snapshot) as parted_by,
        min(happened_at) filter (where not is_snapshot) as posted_at,
        (array_agg(entry_id order by happened_at, entry_id) filter (where not is_snapshot))[1] as entry_id
    from agreed
    where happened_at > agreed_until
    group by 1, 2, 3, 4

)

select
    system,
    account_id,
    unit,
    agreed_until,
    parted_by,
    case when posted_at <= parted_by then entry_id end as entry_id,
    case when posted_at <= parted_by then posted_at else parted_by end as happened_at
from parted
where parted_by is not null
