with contests as (

    select
        contest_id,
        streamer_id
    from {{ ref('stg_funpot__events') }}
    where streamer_id is not null

),

endings as (

    select
        subject_id as contest_id,
        (occurred_at at time zone 'UTC')::date as day
    from {{ ref('fct_events') }}
    where system = 'funpot' and event_type in ('event_closed', 'event_cancelled')

),

votes as (

    select
        contest_id,
        count(*) as votes
    from {{ ref('fct_votes') }}
    where system = 'funpot' and accepted
    group by 1

),

settled as (

    select
        *,
        coalesce(payouts_recorded, payouts_expected) as payouts
    from {{ ref('settlements') }}
    where system = 'funpot' and payouts_expected is not null

),

days as (

    select
        contests.streamer_id,
        endings.day,
        count(*) as contests,
        coalesce(sum(votes.votes), 0)::bigint as votes,
        sum(settled.stakes) as stakes,
        sum(settled.refunds) as refunds,
        sum(settled.payouts) as payouts,
        sum(settled.fee) as fee,
        sum(settled.breakage) as breakage,
        sum(settled.stakes - settled.refunds - settled.payouts) as gross_gaming_revenue
    from settled
    inner join contests on settled.contest_id = contests.contest_id
    inner join endings on settled.contest_id = endings.contest_id
    left join votes on settled.contest_id = votes.contest_id
    group by 1, 2

)

select
    'funpot'::text as system,
    streamer_id,
    day,
    contests,
    votes,
    stakes,
    refunds,
    payouts,
    fee,
    breakage,
    gross_gaming_revenue,
    {{ ratio('gross_gaming_revenue', 'stakes', 4) }} as hold
from days
where {{ is_open("'funpot'") }}
