-- The first reward ever lets every member begin at level 1, and the bot's own totals give way to the journal.
with journal_began as (

    select rewards.system from {{ ref('synapse_rewards') }} as rewards
    where
        not exists (
            select mart.system from {{ published('synapse_rewards') }} as mart
            where mart.system = 'synapse'
        )

)

select user_id::text as user_id
from {{ ref('stg_synapse__users') }}
where {{ newly_loaded('synapse') }} or exists (select 1 from journal_began)
union
select user_id::text as user_id
from {{ ref('stg_synapse__user_stats') }}
where {{ newly_loaded('synapse') }} or exists (select 1 from journal_began)
union
select user_id
from {{ changes('event_counters', of_whole_systems=false) }} as counters
where system = 'synapse'
