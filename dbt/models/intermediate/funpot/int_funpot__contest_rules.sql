with contests as (select * from {{ ref('stg_funpot__events') }}),

games as (select * from {{ ref('stg_funpot__games') }}),

readable as (
    select
        game_id,
        case
            when {{ matches("rules_json ->> 'fee_bps'", '^([0-9]{1,4}([.][0-9]{1,4})?|10000([.]0{1,4})?)$') }}
                then {{ decimal("rules_json ->> 'fee_bps'") }}
        end as fee_bps,
        case
            when {{ matches("rules_json ->> 'payout_step'", '^[1-9][0-9]{0,17}([.]0+)?$') }}
                then {{ whole("split_part(rules_json ->> 'payout_step', '.', 1)") }}
        end as payout_step,
        case
            when rules_json ->> 'no_winner' in ('house_keeps', 'refund') then rules_json ->> 'no_winner'
        end as no_winner,
        case
            when rules_json ->> 'dead_heat' in ('split_pool', 'split_profit') then rules_json ->> 'dead_heat'
        end as dead_heat
    from games
),

final as (
    select
        contests.contest_id,
        coalesce(readable.fee_bps, {{ decimal(var('f000_fee_bps')) }}) as fee_bps,
        coalesce(readable.payout_step, 1) as payout_step,
        coalesce(readable.no_winner, '{{ var("f000_no_winner_policy") }}') as no_winner,
        coalesce(readable.dead_heat, '{{ var("f000_dead_heat") }}') as dead_heat
    from contests
    left join readable on contests.game_id = readable.game_id
)

select * from final
