with picks as (
    select * from {{ ref('fct_votes') }}
    where system = 'hermes' and session_id is not null
),

markets as (select * from {{ ref('int_hermes__markets_listed') }}),

final as (
    select
        picks.session_id,
        markets.clip_id,
        count(*) filter (where not picks.is_replay) as submissions,
        count(*) filter (where picks.accepted) as picks_accepted,
        count(*) filter (where picks.accepted and picks.is_late is not true) as picks_in_time,
        count(*) filter (where picks.is_late and not picks.is_replay) as post_lock_attempts
    from picks
    inner join markets on picks.contest_id = markets.market_id
    group by 1, 2
)

select * from final
