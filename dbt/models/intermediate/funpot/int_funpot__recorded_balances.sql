with accounts as (select * from {{ ref('stg_funpot__wallet_accounts') }}),

final as (
    select
        'WALLET:' || user_id as account_id,
        'INT' as unit,
        balance as recorded,
        updated_at as recorded_at,
        null::text as last_entry_id,
        _load_id
    from accounts
)

select * from final
