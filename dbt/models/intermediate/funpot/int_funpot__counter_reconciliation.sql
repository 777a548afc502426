{%- set classes = ['count', 'gross', 'net'] -%}
{%- set class_set = var('f000_totals_class') -%}
with totals as (select * from {{ ref('int_funpot__totals_recounted') }}),

compared as (
    select
        totals.contest_id,
        totals.state,
        totals.snapshot,
        totals.option_id,
        totals.recorded,
        readings.preference,
        readings.class,
        readings.recounted
    from totals
    cross join
        lateral (
            values (1, 'count', totals.vote_count), (2, 'gross', totals.gross), (3, 'net', totals.net)
        ) as readings (preference, class, recounted)
    where readings.class in ('{{ (classes if class_set == "auto" else [class_set]) | join("', '") }}')
),

-- How far each reading is from the snapshot, as a part of what both count, so that points and votes compare.
distances as (
    select
        contest_id,
        snapshot,
        class,
        preference,
        sum(abs(recorded - recounted)) as distance,
        coalesce({{ ratio("sum(abs(recorded - recounted))", "sum(abs(recorded) + recounted)", 10) }}, 0) as unlikeness
    from compared
    group by 1, 2, 3, 4
),

detected as (
    select distinct on (contest_id, snapshot)
        contest_id,
        snapshot,
        class,
        class || case when distance <> 0 then ' (nearest)' else '' end as basis
    from distances
    order by contest_id asc, snapshot asc, unlikeness asc, preference asc
),

final as (
    select
        'event:' || compared.contest_id as subject,
        compared.snapshot || ':' || compared.option_id as counter,
        compared.recorded,
        compared.recounted,
        detected.basis,
        compared.recorded - compared.recounted as drift,
        case
            when compared.recorded is null then 'unreadable total'
            when compared.recorded = compared.recounted then null
            when compared.recorded > compared.recounted then 'missing vote'
            when compared.state = 'live' then 'live snapshot lag'
            else 'stale total'
        end as cause,
        null::timestamptz as broken_since
    from compared
    inner join detected
        on
            compared.contest_id = detected.contest_id
            and compared.snapshot = detected.snapshot
            and compared.class = detected.class
)

select * from final
