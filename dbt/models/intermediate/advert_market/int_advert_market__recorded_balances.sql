with balances as (select * from {{ ref('stg_advert_market__account_balances') }}),

final as (
    select
        account_id,
        unit,
        balance as recorded,
        recorded_at,
        last_entry_id,
        _load_id
    from balances
)

select * from final
