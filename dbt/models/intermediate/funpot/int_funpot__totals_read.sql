with contests as (select * from {{ ref('stg_funpot__events') }}),

snapshots as (
    select
        contest_id,
        state,
        'totals' as snapshot,
        totals_json as totals
    from contests
    where {{ json_kind('totals_json') }} = 'object'
    union all
    select
        contest_id,
        state,
        'result_totals' as snapshot,
        result_json -> 'totals' as totals
    from contests
    where {{ json_kind("result_json -> 'totals'") }} = 'object'
),

members as (
    select
        snapshots.contest_id,
        snapshots.state,
        snapshots.snapshot,
        options.key as option_id,
        {{ json_text('options.value') }} as total
    from snapshots
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
