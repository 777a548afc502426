with accounts as (

    select * from {{ ref('int_balances__drifting') }}

),

entries as (

    select * from {{ ref('int_balances__drifting_entries') }}

),

repeated as (

    select
        system,
        account_id,
        unit,
        'duplicate' as cause,
        case when is_certain then 1 else 5 end as precedence,
        entry_id,
        posted_at as happened_at,
        -amount as amount,
        'repeats posting ' || repeats_entry_id as witness
    from {{ ref('int_balances__repeated_entries') }}

),

late as (

    select
        system,
        account_id,
        unit,
        'late row' as cause,
        2 as precedence,
        entry_id,
        posted_at as happened_at,
        -amount as amount,
        'delivered on ' || delivered_on::text || ', after the balance of ' || projected_on::text as witness
    from entries
    where is_late

),

-- A projection that stopped is behind by everything that came after it.
stale as (

    select distinct on (system, account_id, unit)
        system,
        account_id,
        unit,
        'stale projection' as cause,
        3 as precedence,
        entry_id,
        posted_at as happened_at,
        -sum(amount) over (partition by system, account_id, unit) as amount,
        'the recorded balance ends before it' as witness
    from entries
    where is_after_projection
    order by system, account_id, unit, posted_at, entry_id

),

contradicted as (

    {{ union_open_systems(
        'obligations',
        ['account_id', 'unit', 'cause', 'precedence', 'entry_id', 'happened_at', 'amount', 'witness'],
        ['funpot', 'advert_market', 'synapse'],
    ) }}

),

final as (

    select * from repeated
    union all
    select * from late
    union all
    select * from stale
    union all
    select * from contradicted

)

select
    final.*,
    accounts.drift
from final
inner join accounts
    on final.system = accounts.system and final.account_id = accounts.account_id and final.unit = accounts.unit
