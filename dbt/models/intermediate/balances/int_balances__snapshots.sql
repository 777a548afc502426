{{ config(meta={'follows': ['account_balances_versions', 'wallet_accounts_versions']}) }}

select
    'advert_market' as system,
    account_id,
    unit,
    balance as recorded,
    recorded_at
from {{ ref('stg_advert_market__account_balances_versions') }}
union all
select
    'funpot' as system,
    'WALLET:' || user_id as account_id,
    'INT' as unit,
    balance as recorded,
    recorded_at
from {{ ref('stg_funpot__wallet_accounts_versions') }}
