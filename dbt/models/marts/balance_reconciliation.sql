with recorded as (

    {{ union_open_systems(
        'recorded_balances',
        ['account_id', 'unit', 'recorded'],
        ['funpot', 'advert_market', 'synapse'],
    ) }}

),

entries as (

    -- The house of a single-entry wallet is our own counterpart: no source records its balance.
    select * from {{ ref('fct_ledger_entries') }}
    where account_kind <> 'house' and {{ is_open('system') }}

),

running as (

    select
        system,
        account_id,
        unit,
        posted_at,
        sum(amount) over account as balance,
        lead(posted_at) over account as next_posted_at
    from entries
    window account as (partition by system, account_id, unit order by posted_at, entry_id)

),

ledgers as (

    select
        system,
        account_id,
        unit,
        sum(amount) as ledger,
        min(posted_at) as first_posted_at
    from entries
    group by 1, 2, 3

),

-- The last instant at which the ledger stood where the projection stands: what came after it was never projected.
last_agreements as (

    select
        running.system,
        running.account_id,
        running.unit,
        max(running.next_posted_at) as diverged_at
    from running
    inner join recorded
        on
            running.system = recorded.system
            and running.account_id = recorded.account_id
            and running.unit = recorded.unit
            and running.balance = recorded.recorded
    group by 1, 2, 3

),

compared as (

    select
        coalesce(recorded.system, ledgers.system) as system,
        coalesce(recorded.account_id, ledgers.account_id) as account_id,
        coalesce(recorded.unit, ledgers.unit) as unit,
        coalesce(recorded.recorded, 0) as recorded,
        coalesce(ledgers.ledger, 0) as ledger,
        recorded.system is null as is_unprojected,
        ledgers.first_posted_at
    from recorded
    full join ledgers
        on
            recorded.system = ledgers.system
            and recorded.account_id = ledgers.account_id
            and recorded.unit = ledgers.unit

)

select
    compared.system,
    compared.account_id,
    compared.unit,
    compared.recorded,
    compared.ledger,
    compared.recorded - compared.ledger as drift,
    case when compared.recorded = compared.ledger then 'agrees' else 'differs' end as status,
    case
        when compared.recorded = compared.ledger then null
        when compared.is_unprojected then 'unknown account'
        when compared.first_posted_at is null then 'missing entry'
        when last_agreements.diverged_at is not null then 'stale projection'
        else 'wrong amount'
    end as cause,
    case
        when compared.recorded <> compared.ledger
            then coalesce(last_agreements.diverged_at, compared.first_posted_at)
    end as first_divergent_at
from compared
left join last_agreements
    on
        compared.system = last_agreements.system
        and compared.account_id = last_agreements.account_id
        and compared.unit = last_agreements.unit
