{{ config(meta={'follows': ['activity_log', 'quests']}) }}

with quests as (

    select * from {{ ref('stg_synapse__quests') }}

),

-- A quest that comes or changes may change the limit of all that were completed.
activity as (

    select * from {{ ref('stg_synapse__activity_log') }}
    where {{ newly_loaded('synapse') }}
    union all
    select * from {{ ref('stg_synapse__activity_log') }}
    where
        event_type = 'QUEST_COMPLETE'
        and not {{ newly_loaded('synapse') }}
        and exists (
            select 1 from quests
            where {{ newly_loaded('synapse') }}
        )

),

base_rewards as (

    select * from {{ ref('synapse_base_rewards') }}
    where ruleset = '{{ var("s003_ruleset") }}'

),

multipliers as (

    select * from {{ ref('stg_synapse__category_multipliers') }}

),

-- One weight for a category and type; where the source keeps two, the one that allows more.
weights as (

    select
        category_id,
        event_type,
        max(xp_multiplier) as xp_multiplier,
        max(star_multiplier) as star_multiplier
    from multipliers
    group by 1, 2

),

limited as (

    select
        activity.*,
        activity.category_id is null or exists (select 1 from multipliers) as has_known_weight,
        -- Only a message has a quality: long, with code, a link and an attachment it is worth 1.5 · 1.4 · 1.25 · 1.1.
        case activity.event_type
            when 'MESSAGE' then base_rewards.base_xp * 2.8875
            when 'QUEST_COMPLETE' then greatest(base_rewards.base_xp, (select max(quests.xp_reward) from quests))
            else base_rewards.base_xp
        end
        * coalesce(weights.xp_multiplier, 1) as most_xp,
        -- With more than ten members reacting, the author is given ten stars and one for every second of the others.
        case
            when activity.event_type = 'REACTION_RECEIVED' and activity.unique_reactors > 10
                then 10 + {{ whole_division('activity.unique_reactors - 10', '2') }}
            else base_rewards.base_stars
        end
        * coalesce(weights.star_multiplier, 1) as most_stars
    from activity
    left join base_rewards on activity.event_type = base_rewards.event_type
    left join weights
        on activity.category_id = weights.category_id and activity.event_type = weights.event_type

),

final as (

    select
        activity_id,
        event_type,
        xp_delta,
        star_delta,
        rewarded_at,
        user_id::text as user_id,
        season_id::text as season_id,
        category_id::text as category_id,
        case when has_known_weight then {{ whole('floor(most_xp)') }} end as xp_limit,
        case when has_known_weight then {{ whole('floor(most_stars)') }} end as star_limit,
        case when event_type = 'VOICE_TICK' then coalesce(tick_minutes, {{ var('s003_voice_tick_minutes') }}) else 0 end
            as voice_minutes
    from limited

)

select * from final
