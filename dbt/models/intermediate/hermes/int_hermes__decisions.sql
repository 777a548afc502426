with decisions as (select * from {{ ref('stg_hermes__settlements') }}),

outcomes as (select * from {{ ref('stg_hermes__outcomes') }}),

final as (
    select
        decisions.settlement_id,
        decisions.market_id,
        case
            when outcomes.outcome_id is not null then 'settled'
            when decisions.winning_outcome_id is null then 'void'
            else 'unusable'
        end as ruling,
        outcomes.outcome_id as winning_outcome_id,
        decisions.settled_at,
        lead(decisions.settlement_id) over later as superseded_by,
        lead(decisions.settled_at) over later as superseded_at,
        decisions._load_id
    from decisions
    left join outcomes
        on
            decisions.winning_outcome_id = outcomes.outcome_id
            and decisions.market_id = outcomes.market_id
    window later as (partition by decisions.market_id order by decisions.settled_at, decisions.settlement_id)
)

select * from final
