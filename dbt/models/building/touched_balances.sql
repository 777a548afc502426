with posted as (

    select
        system,
        account_id,
        unit
    from {{ changes('fct_ledger_entries', of_whole_systems=false) }} as entries

),

recorded as (

    select
        'funpot' as system,
        account_id,
        unit
    from {{ ref('int_funpot__recorded_balances') }}
    where {{ newly_loaded('funpot') }}
    union all
    select
        'advert_market' as system,
        account_id,
        unit
    from {{ ref('int_advert_market__recorded_balances') }}
    where {{ newly_loaded('advert_market') }}
    union all
    select
        'synapse' as system,
        account_id,
        unit
    from {{ ref('int_synapse__recorded_balances') }}
    where {{ newly_loaded('synapse') }}

),

-- What drifts is looked at again whatever came: the record that explains it need not be the account's own.
drifting as (

    {{ accounts_published_as_drifting() }}

)

select * from posted
union
select * from recorded
union
select * from drifting
