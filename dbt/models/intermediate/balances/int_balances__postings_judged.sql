-- Postings with a leg on a day that is looked at, whole: a posting counts on the day of its first.
with entries as (

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

subjects as (

    select distinct
        system,
        subject
    from {{ ref('reconciliation_breaks') }}

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
        count(accounts.subject) = 0 and count(contests.subject) = 0 and count(votes.subject) = 0 as is_explained,
        max(entries.delivered_on) - min(entries.day) <= 1 + case entries.system
            when 'funpot' then {{ var('f000_lookback_days') }}
            when 'advert_market' then {{ var('c002_lookback_days') }}
            when 'synapse' then {{ var('s003_lookback_days') }}
        end as is_on_time
    from entries
    left join subjects as accounts
        on entries.system = accounts.system and entries.account_id = accounts.subject
    left join subjects as contests
        on entries.system = contests.system and entries.contest_id = contests.subject
    left join subjects as votes
        on entries.system = votes.system and entries.reference = votes.subject
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
