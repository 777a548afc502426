with balances as (

    select * from {{ ref('balance_reconciliation') }}
    where status = 'differs'

),

-- What a cancelled contest of FunPot did not give back is among the breaks it found itself.
settlements as (

    select * from {{ ref('settlements') }}
    where status = 'differs' and (system <> 'funpot' or outcome is distinct from 'cancelled')

),

breaks_found as (

    {{ union_open_systems(
        'breaks',
        ['rule_id', 'subject', 'amount', 'unit', 'cause', 'broken_since', 'evidence'],
        ['funpot', 'advert_market', 'storyforge', 'synapse'],
    ) }}

),

found as (

    select
        system,
        case unit when 'INT' then 'A-01' when 'nanoTON' then 'C-04' when 'XP' then 'D-02' else 'D-03' end as rule_id,
        account_id as subject,
        drift as amount,
        unit,
        cause,
        first_divergent_at as broken_since,
        {{ json_object({
            'recorded': 'recorded', 'ledger': 'ledger', 'first_divergent_at': instant_text('first_divergent_at'),
            'first_divergent_entry_id': 'first_divergent_entry_id', 'witness': 'witness'
        }) }} as evidence
    from balances
    union all
    select
        system,
        case system when 'funpot' then 'A-11' else 'C-09' end as rule_id,
        contest_id as subject,
        difference as amount,
        unit,
        'wrong payout' as cause,
        settled_at as broken_since,
        {{ json_object({'expected': 'payouts_expected', 'recorded': 'payouts_recorded'}) }} as evidence
    from settlements
    union all
    select * from breaks_found

),

dated as (

    select
        system,
        max(broken_since) as broken_at
    from found
    group by 1

),

-- Asked only from the newest break of a system on: the indexes on instants serve, and where nothing broke none is read.
newest as (

    select
        dated.system,
        greatest(dated.broken_at, events.newest_at, entries.newest_at) as newest_at
    from dated
    cross join
        lateral (
            select max(happened.occurred_at) as newest_at
            from {{ ref('fct_events') }} as happened
            where happened.system = dated.system and happened.occurred_at >= dated.broken_at
        ) as events
    cross join
        lateral (
            select max(posted.posted_at) as newest_at
            from {{ ref('fct_ledger_entries') }} as posted
            where posted.system = dated.system and posted.posted_at >= dated.broken_at
        ) as entries

)

select
    found.system,
    found.rule_id,
    found.subject,
    found.amount,
    found.unit,
    found.cause,
    found.broken_since,
    {{ days_between('found.broken_since', 'newest.newest_at') }} as age_days,
    found.evidence
from found
inner join newest on found.system = newest.system
where {{ is_open('found.system') }}
