{{ config(meta={'follows': ['activity_log']}) }}

with activity as (

    select * from {{ ref('stg_synapse__activity_log') }}
    where {{ newly_loaded('synapse') }}

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
        -- Only a message has a quality: long, with code, a link and an attachment it is worth 1.5 · 1.4 · 1.25 · 1.1.
        base_rewards.base_xp
        * coalesce(weights.xp_multiplier, 1)
        * case when activity.event_type = 'MESSAGE' then 2.8875 else 1 end as most_xp,
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
        {{ whole('floor(most_xp)') }} as xp_limit,
        {{ whole('floor(most_stars)') }} as star_limit,
        case when event_type = 'VOICE_TICK' then coalesce(tick_minutes, {{ var('s003_voice_tick_minutes') }}) else 0 end
            as voice_minutes
    from limited

)

select * from final
