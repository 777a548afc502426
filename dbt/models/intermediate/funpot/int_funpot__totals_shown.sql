with contests as (select * from {{ ref('stg_funpot__events') }}),

final as (
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
)

select * from final
