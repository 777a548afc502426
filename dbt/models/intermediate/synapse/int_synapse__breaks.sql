with rewards as (

    select * from {{ ref('synapse_rewards') }}

),

counters as (

    select * from {{ ref('counter_reconciliation') }}
    where system = 'synapse'

),

rewards_outside as (

    select
        rewards.event_type,
        rewards.rewarded_at,
        amounts.unit,
        amounts.given,
        amounts.allowed,
        rewards.activity_id || ':' || amounts.unit as subject,
        rewards.activity_id || ':' || upper(amounts.unit) as entry_id
    from rewards
    cross join
        lateral (values ('XP', rewards.xp, rewards.xp_limit), ('stars', rewards.stars, rewards.star_limit))
            as amounts (unit, given, allowed)
    where
        -- Only a hand may take away.
        (amounts.given < 0 and rewards.event_type <> 'MANUAL_AWARD')
        or amounts.given > amounts.allowed

),

final as (

    select
        'D-14' as rule_id,
        'reward ' || subject as subject,
        given - case when given < 0 then 0 else allowed end as amount,
        unit,
        case when given < 0 then 'reward is negative' else 'reward above the ruleset' end as cause,
        rewarded_at as broken_since,
        {{ json_object({
            'entry_id': 'entry_id', 'event_type': 'event_type', 'given': 'given', 'allowed': 'allowed'
        }) }} as evidence
    from rewards_outside
    union all
    select
        case
            when counter like '% season:%' then 'D-04'
            when counter like '% day:%' then 'D-05'
            else 'D-06'
        end as rule_id,
        subject || ' ' || counter as subject,
        drift as amount,
        case when counter like 'voice_minutes %' then 'minutes' else 'events' end as unit,
        cause,
        broken_since,
        {{ json_object({'recorded': 'recorded', 'recounted': 'recounted', 'basis': 'basis'}) }} as evidence
    from counters
    -- Stars are balances, and a balance that differs is a break of its own.
    where
        cause in ('missing counter', 'missing events', 'events not counted', 'wrong count', 'unknown period')
        and counter not like '%_stars season:%'

)

select * from final
