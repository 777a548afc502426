with accounts as (

    select
        account_id,
        unit,
        drift,
        projected_until,
        split_part(account_id, ':', 2) as user_id,
        -- Stars belong to a season, XP to all of them.
        case when unit = 'stars' then split_part(account_id, ':', 3) end as season_id
    from {{ ref('int_balances__drifting') }}
    where system = 'synapse' and is_projected

),

lacking as (

    select * from {{ ref('int_synapse__journal_compared') }}

),

of_accounts as (

    select
        accounts.account_id,
        max(lacking.lacking) as lacking,
        min(lacking.lacking) as surplus,
        max(lacking.counted_by) filter (where lacking.lacking > 0) as counted_by
    from accounts
    inner join lacking
        on
            accounts.user_id = lacking.user_id
            and (accounts.season_id = lacking.season_id or accounts.season_id is null)
    group by 1

),

-- One entry gives XP and stars together: a lost one is missed in both.
both_units as (

    select user_id
    from accounts
    group by 1
    having count(distinct unit) = 2 and (min(drift) > 0 or max(drift) < 0)

),

-- Nothing but ticks repeats itself within an instant.
repeated as (

    select
        account_id,
        amount
    from {{ ref('int_balances__repeated_entries') }}
    where system = 'synapse' and reason <> 'VOICE_TICK'

),

judged as (

    select
        accounts.account_id,
        accounts.unit,
        accounts.drift as amount,
        case
            when of_accounts.lacking > 0 then of_accounts.counted_by || ' counted more events than the journal holds'
            when both_units.user_id is not null then 'XP and stars drift together'
            when of_accounts.surplus < 0 then 'fewer events were counted than the journal holds'
            else 'the journal holds every event that was counted'
        end as witness,
        case
            when of_accounts.lacking > 0 or both_units.user_id is not null then 'missing entry'
            when of_accounts.surplus < 0 then 'stale projection'
            else 'wrong amount'
        end as cause
    from accounts
    left join of_accounts on accounts.account_id = of_accounts.account_id
    left join both_units on accounts.user_id = both_units.user_id
    where not exists (
        select 1 from repeated
        where repeated.account_id = accounts.account_id and repeated.amount = -accounts.drift
    )

)

select
    account_id,
    unit,
    cause,
    case cause when 'wrong amount' then 4 else 6 end as precedence,
    null::text as entry_id,
    null::timestamptz as happened_at,
    amount,
    witness
from judged
