{{ config(meta={'follows': ['wallet_accounts', 'account_balances', 'users', 'user_stats', 'activity_log']}) }}
{%- set account = ['system', 'account_id', 'unit'] %}

with recorded as (

    {{ union_open_systems(
        'recorded_balances',
        ['account_id', 'unit', 'recorded', 'recorded_at', 'last_entry_id', '_load_id'],
        ['funpot', 'advert_market', 'synapse'],
    ) }}

),

loads as (

    select * from {{ source('ingest', 'loads') }}

),

projections as (

    select
        recorded.*,
        loads.delivered_on as projected_on,
        -- A projection that keeps no time of its own knows, at the latest, what was posted before its day of delivery.
        coalesce(recorded.recorded_at, loads.delivered_on::timestamp at time zone 'UTC') as projected_until
    from recorded
    inner join loads on recorded._load_id = loads.load_id
    where {{ in_scope(account, 'touched_accounts', 'recorded') }}

),

-- The house of a single-entry wallet is our own counterpart: no source records its balance.
ledgers as (

    select distinct on (daily.system, daily.account_id, daily.unit)
        daily.system,
        daily.account_id,
        daily.unit,
        daily.closing as ledger
    from {{ rows_in_scope(account, 'touched_accounts', 'balances_daily') }} as daily
    where daily.account_id <> 'HOUSE' and {{ is_open('daily.system') }}
    order by daily.system asc, daily.account_id asc, daily.unit asc, daily.day desc

),

paired as (

    select
        coalesce(projections.system, ledgers.system) as system,
        coalesce(projections.account_id, ledgers.account_id) as account_id,
        coalesce(projections.unit, ledgers.unit) as unit,
        coalesce(projections.recorded, 0) as recorded,
        coalesce(ledgers.ledger, 0) as ledger,
        projections.system is not null as is_projected,
        projections.projected_on,
        projections.projected_until,
        projections.last_entry_id
    from projections
    full join ledgers
        on
            projections.system = ledgers.system
            and projections.account_id = ledgers.account_id
            and projections.unit = ledgers.unit

)

select
    paired.*,
    case when comparable.system is not null then paired.recorded - paired.ledger end as drift
from paired
left join {{ ref('int_balances__comparable') }} as comparable
    on paired.system = comparable.system and paired.unit = coalesce(comparable.unit, paired.unit)
