-- A dozen models ask for these few accounts.
select * from {{ ref('account_balances') }}
where drift <> 0
