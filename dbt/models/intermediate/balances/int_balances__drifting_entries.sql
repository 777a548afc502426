{{ config(materialized='table' if target.type == 'duckdb' else 'keys') }}

with accounts as (

    select * from {{ ref('int_balances__drifting') }}

),

entries as (

    select * from {{ ref('fct_ledger_entries') }}

),

own as (

    select
        entries.*,
        accounts.projected_on,
        accounts.projected_until
    from accounts
    inner join entries
        on
            accounts.system = entries.system
            and accounts.account_id = entries.account_id
            and accounts.unit = entries.unit

),

postings as (

    select
        entries.system,
        entries.tx_ref,
        entries.unit,
        sum(entries.amount) as imbalance,
        string_agg(entries.account_id, ' ' order by entries.account_id) as accounts_moved
    from entries
    where (entries.system, entries.tx_ref) in (
        select
            own.system,
            own.tx_ref
        from own
    )
    group by 1, 2, 3

),

final as (

    select
        own.system,
        own.entry_id,
        own.tx_ref,
        own.account_id,
        own.account_kind,
        own.unit,
        own.amount,
        own.reason,
        own.reference,
        own.idempotency_key,
        own.posted_at,
        own.delivered_on,
        own.projected_on,
        own.projected_until,
        postings.imbalance,
        postings.accounts_moved,
        -- One act shares a key of the source, else what it is about, else all the accounts it moves; of a journal
        -- without any of these nothing but the very instant is left.
        concat_ws(' ', own.reason, coalesce(
            own.idempotency_key,
            own.reference,
            case when postings.accounts_moved <> own.account_id then postings.accounts_moved end,
            own.posted_at::text
        )) as act,
        own.posted_at > own.projected_until as is_after_projection,
        own.posted_at <= own.projected_until and own.delivered_on > own.projected_on as is_late
    from own
    inner join postings
        on own.system = postings.system and own.tx_ref = postings.tx_ref and own.unit = postings.unit

)

select * from final
