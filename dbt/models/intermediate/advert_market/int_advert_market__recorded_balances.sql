with balances as (select * from {{ ref('stg_advert_market__account_balances') }}),

final as (
    select
        account_id,
        unit,
        balance as recorded,
        recorded_at
    from balances
)

select * from final
