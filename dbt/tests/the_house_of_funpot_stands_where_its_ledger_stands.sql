-- The house's days are told from the wallets' postings; the balances of its account from the books.
select
    house.unit,
    house.day,
    house.closing,
    balances.closing as closing_of_the_account
from {{ ref('funpot_house_daily') }} as house
left join {{ ref('balances_daily') }} as balances
    on
        house.system = balances.system
        and house.unit = balances.unit
        and house.day = balances.day
        and balances.account_id = 'HOUSE'
where house.closing <> balances.closing or balances.closing is null
