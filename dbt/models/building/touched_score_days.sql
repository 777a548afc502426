with moments as (

    select
        system,
        occurred_at as moment
    from {{ changes('fct_events', of_whole_systems=false) }} as events
    union all
    select
        system,
        posted_at as moment
    from {{ changes('fct_ledger_entries', of_whole_systems=false) }} as entries
    union all
    select
        system,
        cast_at as moment
    from {{ changes('fct_votes', of_whole_systems=false) }} as votes
    union all
    select
        system,
        settled_at as moment
    from {{ changes('settlements', of_whole_systems=false) }} as contests
    union all
    select
        payouts.system,
        contests.settled_at as moment
    from {{ changes('settlement_payouts', of_whole_systems=false) }} as payouts
    inner join {{ ref('settlements') }} as contests
        on payouts.system = contests.system and payouts.contest_id = contests.contest_id

)

select
    system,
    (moment at time zone 'UTC')::date as day
from moments
where moment is not null
union
{{ union_touched('score_days', ['day'], ['funpot', 'advert_market', 'hermes', 'synapse', 'storyforge']) }}
