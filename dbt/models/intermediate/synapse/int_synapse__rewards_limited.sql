with activity as (

    select * from {{ ref('stg_synapse__activity_log') }}

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

weighted as (

    select
        activity.activity_id,
        activity.user_id,
        activity.event_type,
        activity.xp_delta,
        activity.star_delta,
        -- Only a message has a quality: long, with code, a link and an attachment it is worth 1.5 · 1.4 · 1.25 · 1.1.
        base_rewards.base_xp
        * coalesce(weights.xp_multiplier, 1)
        * case when activity.event_type = 'MESSAGE' then 2.8875 else 1 end as xp_limit,
        -- With more than ten members reacting, the author is given ten stars and one for every second of the others.
        case
            when activity.event_type = 'REACTION_RECEIVED' and activity.unique_reactors > 10
                then 10 + {{ whole_division('activity.unique_reactors - 10', '2') }}
            else base_rewards.base_stars
        end
        * coalesce(weights.star_multiplier, 1) as star_limit
    from activity
    inner join base_rewards on activity.event_type = base_rewards.event_type
    left join weights
        on activity.category_id = weights.category_id and activity.event_type = weights.event_type

),

final as (

    select
        activity_id,
        user_id,
        event_type,
        xp_delta,
        star_delta,
        {{ whole('floor(xp_limit)') }} as xp_limit,
        {{ whole('floor(star_limit)') }} as star_limit
    from weighted

)

select * from final
