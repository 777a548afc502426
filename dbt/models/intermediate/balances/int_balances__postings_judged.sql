-- Postings with a leg on a day that is looked at, whole: a posting counts on the day of its first.
with ledger as (

    select
        ledger.*,
        (ledger.posted_at at time zone 'UTC')::date as day
    from {{ ref('fct_ledger_entries') }} as ledger
    where ledger.system in ('funpot', 'synapse') and {{ is_open('ledger.system') }}
    union all
    select
        ledger.*,
        (ledger.posted_at at time zone 'UTC')::date as day
    from {{ ref('fct_ledger_entries') }} as ledger
    where
        ledger.system = 'advert_market'
        and {{ is_open('ledger.system') }}
        and {{ in_scope(['system', 'tx_ref'], 'touched_trust_postings', 'ledger') }}

),

names as (

    select
        system,
        name
    from {{ ref('int_balances__broken_names') }}

),

-- Looked up, not joined: most entries have no contest, and who plans by that joins every break with every entry.
entries as (

    select
        ledger.*,
        (ledger.system, ledger.account_id) in (select names.* from names) as is_of_broken_account,
        (ledger.system, ledger.contest_id) in (select names.* from names) as is_of_broken_contest,
        (ledger.system, ledger.reference) in (select names.* from names) as is_about_broken,
        (ledger.system, case ledger.system when 'synapse' then ledger.entry_id else ledger.tx_ref end)
        in (select names.* from names) as is_broken,
        -- A stake that names a contest, or no vote that is known, is compared by voter.
        (
            ledger.system,
            coalesce(ledger.reference, ledger.tx_ref) || ':' || replace(ledger.account_id, 'WALLET:', '')
        )
        in (select names.* from names) as is_of_broken_stakes
    from ledger

),

clearances as (

    {{ union_open_systems('clearances', ['tx_ref', 'unit', 'is_cleared'], ['funpot', 'advert_market', 'synapse']) }}

),

postings as (

    select
        entries.system,
        entries.tx_ref,
        entries.unit,
        min(entries.day) as day,
        -- A double entry moves what it credits; in a journal every entry stands for itself.
        greatest(
            coalesce(sum(entries.amount) filter (where entries.amount > 0), 0),
            coalesce(-sum(entries.amount) filter (where entries.amount < 0), 0)
        ) as moved,
        not coalesce(bool_or(
            entries.is_of_broken_account
            or entries.is_of_broken_contest
            or entries.is_about_broken
            or entries.is_broken
            or entries.is_of_broken_stakes
        ), false) as is_explained,
        max(entries.delivered_on) - min(entries.day) <= 1 + case entries.system
            when 'funpot' then {{ var('f000_lookback_days') }}
            when 'advert_market' then {{ var('c002_lookback_days') }}
            when 'synapse' then {{ var('s003_lookback_days') }}
        end as is_on_time
    from entries
    group by 1, 2, 3

)

select
    postings.*,
    coalesce(clearances.is_cleared, false) as is_cleared
from postings
left join clearances
    on
        postings.system = clearances.system
        and postings.tx_ref = clearances.tx_ref
        and postings.unit = clearances.unit
