with members as (
    select
        snapshots.contest_id,
        snapshots.state,
        snapshots.snapshot,
        options.key as option_id,
        {{ json_text('options.value') }} as total
    from {{ ref('int_funpot__totals_shown') }} as snapshots
    cross join lateral {{ json_members('snapshots.totals') }} as options
),

final as (
    select
        contest_id,
        state,
        snapshot,
        option_id,
        case
            when {{ matches('total', '^-?[0-9]{1,18}([.]0+)?$') }} then {{ whole("split_part(total, '.', 1)") }}
        end as recorded
    from members
)

select * from final
