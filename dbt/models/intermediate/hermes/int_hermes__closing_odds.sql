with prices as (
    select * from {{ ref('fct_odds') }}
    where system = 'hermes'
),

final as (
    select distinct on (contest_id, option_id)
        contest_id,
        option_id,
        version_no,
        odds,
        lock_at
    from prices
    -- What holds from the lock on is no price that anybody could still take, as late as a pick at that instant.
    where not {{ hermes_is_late('effective_at', 'lock_at') }}
    order by contest_id asc, option_id asc, version_no desc
)

select * from final
