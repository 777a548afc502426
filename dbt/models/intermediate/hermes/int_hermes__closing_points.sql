with picks as (
    select * from {{ ref('fct_votes') }}
    where system = 'hermes' and accepted
),

locked as (
    select contest_id from {{ ref('settlements') }}
    where system = 'hermes' and status in ('settled', 'unsettled')
),

closing_odds as (select * from {{ ref('int_hermes__closing_odds') }}),

final as (
    select
        picks.voter_id,
        picks.contest_id,
        {{ decimal_ratio('picks.odds', 'closing_odds.odds', 10) }} - 1 as closing_line_value,
        closing_odds.lock_at as happened_at
    from picks
    inner join locked on picks.contest_id = locked.contest_id
    inner join closing_odds
        on
            picks.contest_id = closing_odds.contest_id
            and picks.option_id = closing_odds.option_id
    where picks.odds is not null
)

select * from final
