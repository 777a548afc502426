with markets as (
    select *
    from {{ ref('int_hermes__markets_listed') }}
    where {{ touched('hermes', 'contests', 'market_id', 'contest_id') }}
),

decisions as (
    select *
    from {{ ref('int_hermes__decisions') }}
    where {{ touched('hermes', 'contests', 'market_id', 'contest_id') }}
),

in_force as (
    select * from decisions
    where superseded_by is null
),

histories as (
    select
        market_id,
        string_agg(settlement_id, ', ' order by settled_at, settlement_id)
        filter (where superseded_by is not null) as supersedes,
        max(_load_id) as _load_id
    from decisions
    group by 1
),

final as (
    select
        markets.market_id,
        markets.title,
        markets.lock_at,
        markets.settlement_rule_key,
        case
            when markets.status = 'void' then 'void'
            when in_force.ruling in ('settled', 'void') then in_force.ruling
            when markets.clip_status = 'void' then 'void'
            when in_force.ruling = 'unusable' then 'unsettled'
            when markets.status in ('locked', 'settled') then 'unsettled'
            else 'open'
        end as status,
        case markets.status when 'void' then null else in_force.winning_outcome_id end as winning_outcome_id,
        in_force.settled_at,
        histories.supersedes,
        greatest(markets._load_id, histories._load_id) as _load_id
    from markets
    left join in_force on markets.market_id = in_force.market_id
    left join histories on markets.market_id = histories.market_id
)

select * from final
