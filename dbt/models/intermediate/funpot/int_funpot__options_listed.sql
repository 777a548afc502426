with contests as (select * from {{ ref('stg_funpot__events') }}),

elements as (
    select
        contests.contest_id,
        contests.game_id,
        listed.value as element
    from contests
    cross join lateral {{ json_elements('contests.options_json') }} as listed
),

options as (
    select
        contest_id,
        game_id,
        coalesce(
            element ->> 'id', case when {{ json_kind('element') }} <> 'object' then {{ json_text('element') }} end
        ) as option_id,
        coalesce(element ->> 'label', element ->> 'id', {{ json_text('element') }}) as option_label
    from elements
),

final as (
    select
        contest_id,
        game_id,
        option_id,
        min(option_label) as option_label
    from options
    where option_id is not null
    group by 1, 2, 3
)

select * from final
