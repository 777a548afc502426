{{ config(
    indexes=[{'columns': ['status', 'system']}],
    meta={
        'scope': {'columns': ['system', 'account_id', 'unit'], 'keys': 'touched_drifts'},
        'follows': ['deals', 'payments', 'referrals', 'user_stats', 'user_achievements', 'activity_log'],
    }
) }}
-- It follows the records that explain a drift, for every account that drifts is asked anew each time.

with compared as (

    select balances.*
    from {{ ref('account_balances') }} as balances
    where
        {{ is_open('balances.system') }}
        and balances.drift is not null
        and {{ in_scope(['system', 'account_id', 'unit'], 'touched_drifts', 'balances') }}

),

-- Where the source keeps no balance, they part at the account's first posting.
beginnings as (

    select
        system,
        account_id,
        unit,
        min(posted_at) as first_posted_at
    from {{ ref('int_balances__drifting_entries') }}
    group by 1, 2, 3

),

causes as (

    select * from {{ ref('int_balances__causes') }}

),

-- Between which balances they part, if the record that shows the cause does not tell when.
parted as (

    select * from {{ ref('int_balances__parted') }}

),

explained as (

    select
        compared.*,
        compared.drift <> 0 as differs,
        case when causes.happened_at is null then parted.entry_id else causes.entry_id end as entry_id,
        coalesce(causes.happened_at, parted.happened_at) as happened_at,
        coalesce(
            causes.witness, 'agrees until ' || {{ instant_text('parted.agreed_until') }}
        ) as witness,
        beginnings.first_posted_at,
        case
            when compared.drift = 0 then null
            when not compared.is_projected then 'unknown account'
            -- What no record contradicts was counted by the source alone.
            else coalesce(causes.cause, 'missing entry')
        end as cause
    from compared
    left join causes
        on
            compared.system = causes.system
            and compared.account_id = causes.account_id
            and compared.unit = causes.unit
    left join beginnings
        on
            compared.system = beginnings.system
            and compared.account_id = beginnings.account_id
            and compared.unit = beginnings.unit
    left join parted
        on
            compared.system = parted.system
            and compared.account_id = parted.account_id
            and compared.unit = parted.unit

)

select
    system,
    account_id,
    unit,
    recorded,
    ledger,
    drift,
    case when differs then 'differs' else 'agrees' end as status,
    cause,
    case
        when not differs then null
        when cause = 'unknown account' then first_posted_at
        else happened_at
    end as first_divergent_at,
    case when differs then entry_id end as first_divergent_entry_id,
    case when differs then witness end as witness,
    projected_until as recorded_until
from explained
