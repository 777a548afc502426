with contests as (
    select *
    from {{ ref('stg_funpot__events') }}
    where state = 'closed'
),

single as (
    select
        contest_id,
        result_json ->> 'optionId' as option_id,
        false as is_refunded
    from contests
),

listed as (
    select
        contests.contest_id,
        coalesce(elements.value ->> 'id', {{ json_text('elements.value') }}) as option_id,
        lists.list_name = 'refunded_options' as is_refunded
    from contests
    cross join (values ('winning_options'), ('refunded_options')) as lists (list_name)
    cross join lateral {{ json_elements('contests.result_json -> lists.list_name') }} as elements
),

declared as (
    select * from single
    union all
    select * from listed
),

final as (
    select
        contest_id,
        option_id,
        case when bool_or(is_refunded) then 'refunded' else 'winning' end as verdict
    from declared
    where option_id is not null
    group by 1, 2
)

select * from final
