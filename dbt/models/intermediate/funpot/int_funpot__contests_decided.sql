with contests as (
    select *
    from {{ ref('stg_funpot__events') }}
    where {{ touched('funpot', 'contests', 'contest_id') }}
),

results as (
    select
        contest_id,
        string_agg(option_id, ', ' order by option_id) filter (where verdict = 'winning') as winning_options
    from {{ ref('int_funpot__results_declared') }}
    group by 1
),

decided as (
    select
        contests.*,
        results.winning_options,
        case
            when contests.state = 'live' then 'open'
            when contests.state = 'cancelled' then 'cancelled'
            when contests.result_json ->> 'result' = 'draw' then 'draw'
            when results.contest_id is not null then 'result'
            -- An empty list: nobody won.
            when {{ json_kind("contests.result_json -> 'winning_options'") }} = 'array' then 'result'
            else 'unsettled'
        end as decision
    from contests
    left join results on contests.contest_id = results.contest_id
),

final as (
    select
        contest_id,
        title,
        decision,
        case decision
            when 'result' then coalesce(winning_options, 'none')
            when 'draw' then 'draw'
            when 'cancelled' then 'cancelled'
        end as outcome,
        case when state = 'closed' then least(closes_at, updated_at) end as closed_at,
        closes_at,
        updated_at,
        _load_id
    from decided
)

select * from final
