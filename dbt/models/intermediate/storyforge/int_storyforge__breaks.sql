with counters as (select * from {{ ref('int_storyforge__counters_compared') }}),

final as (
    select
        'E-10' as rule_id,
        owner_type || ' ' || owner_id || ' ' || counter as subject,
        recorded - of_all as amount,
        unit,
        case when recorded < 0 then 'counter is negative' else 'counter equals no recount' end as cause,
        jsonb_build_object('counter', recorded, 'of_all', of_all, 'of_active', of_active) as evidence
    from counters
    where recorded < 0 or recorded not in (of_all, of_active)
)

select * from final
