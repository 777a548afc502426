with counters as (select * from {{ ref('int_storyforge__counter_reconciliation') }}),

final as (
    select
        'E-10' as rule_id,
        subject || ' ' || counter as subject,
        drift as amount,
        unit,
        cause,
        broken_since,
        {{ json_object({'counter': 'recorded', 'of_all': 'of_all', 'of_active': 'of_active'}) }} as evidence
    from counters
    where cause not in ('never set by the source', 'not verifiable') and counter <> 'bible_version'
)

select * from final
