{{ config(meta={'follows': [
    'wallet_accounts', 'wallet_ledger', 'account_balances', 'ledger_entries', 'users', 'user_stats'
]}) }}

-- What was never delivered is neither right nor wrong. XP and stars are kept in tables of their own.
select
    'funpot' as system,
    null::text as unit
where
    exists (select 1 from {{ ref('stg_funpot__wallet_accounts') }})
    and exists (select 1 from {{ ref('stg_funpot__wallet_ledger') }})
union all
select
    'advert_market' as system,
    null::text as unit
where
    exists (select 1 from {{ ref('stg_advert_market__account_balances') }})
    and exists (select 1 from {{ ref('stg_advert_market__ledger_entries') }})
union all
select
    'synapse' as system,
    'XP' as unit
where exists (select 1 from {{ ref('stg_synapse__users') }})
union all
select
    'synapse' as system,
    'stars' as unit
where exists (select 1 from {{ ref('stg_synapse__user_stats') }})
