with entries as (

    select * from {{ ref('fct_ledger_entries') }}
    where system = 'synapse'

),

accounts as (

    select * from {{ ref('balance_reconciliation') }}
    where system = 'synapse' and status = 'agrees'

),

final as (

    select
        entries.tx_ref,
        entries.unit,
        coalesce(entries.posted_at <= accounts.recorded_until, false) as is_cleared
    from entries
    left join accounts on entries.account_id = accounts.account_id and entries.unit = accounts.unit

)

select * from final
