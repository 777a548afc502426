with contests as (select * from {{ ref('stg_funpot__events') }}),

games as (select * from {{ ref('stg_funpot__games') }}),

results as (
    select
        contest_id,
        string_agg(option_id, ', ' order by option_id) filter (where verdict = 'winning') as winning_options
    from {{ ref('int_funpot__results_declared') }}
    group by 1
),

settlement_rules as (
    select
        game_id,
        case
            when rules_json ->> 'fee_bps' ~ '^([0-9]{1,4}(\.[0-9]+)?|10000(\.0+)?)$'
                then (rules_json ->> 'fee_bps')::numeric
        end as fee_bps,
        case
            when rules_json ->> 'payout_step' ~ '^[1-9][0-9]{0,17}(\.0+)?$'
                then trunc((rules_json ->> 'payout_step')::numeric)
        end as payout_step,
        case
            when rules_json ->> 'no_winner' in ('house_keeps', 'refund') then rules_json ->> 'no_winner'
        end as no_winner
    from games
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
            when jsonb_typeof(contests.result_json -> 'winning_options') = 'array' then 'result'  -- empty: nobody won
            else 'unsettled'
        end as decision
    from contests
    left join results on contests.contest_id = results.contest_id
),

final as (
    select
        decided.contest_id,
        decided.game_id,
        decided.streamer_id,
        decided.title,
        decided.decision,
        case decided.decision
            when 'result' then coalesce(decided.winning_options, 'none')
            when 'draw' then 'draw'
            when 'cancelled' then 'cancelled'
        end as outcome,
        coalesce(settlement_rules.fee_bps, {{ var('f000_fee_bps') }}) as fee_bps,
        coalesce(settlement_rules.payout_step, 1) as payout_step,
        coalesce(settlement_rules.no_winner, '{{ var("f000_no_winner_policy") }}') as no_winner,
        decided.updated_at,
        decided._load_id
    from decided
    left join settlement_rules on decided.game_id = settlement_rules.game_id
)

select * from final
