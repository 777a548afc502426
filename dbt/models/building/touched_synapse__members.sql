with counters as (

    select * from {{ changes('event_counters', of_whole_systems=false) }} as counters
    where system = 'synapse'

),

users as (

    select * from {{ ref('stg_synapse__users') }}

),

-- The first reward ever lets every member begin at level 1, and the bot's own totals give way to the journal.
journal_began as (

    select rewards.system from {{ ref('synapse_rewards') }} as rewards
    where
        not exists (
            select mart.system from {{ published('synapse_rewards') }} as mart
            where mart.system = 'synapse'
        )

)

select user_id::text as user_id
from users
where {{ newly_loaded('synapse') }} or exists (select 1 from journal_began)
union
select user_id::text as user_id
from {{ ref('stg_synapse__user_stats') }}
where {{ newly_loaded('synapse') }} or exists (select 1 from journal_began)
union
-- Who takes part in a season, or at all, shows in which counters there are, whatever they count.
(
    select user_id
    from counters
    where period > 'e' and category_id = '0'
    group by user_id, event_type, period
    having sum(times) <> 0
)
union
-- A stranger begins with the first event, which may still come.
select user_id
from counters
where user_id not in (select users.user_id::text from users)
