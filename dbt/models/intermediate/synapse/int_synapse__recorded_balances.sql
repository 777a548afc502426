with users as (

    select * from {{ ref('stg_synapse__users') }}

),

user_stats as (

    select * from {{ ref('stg_synapse__user_stats') }}

),

journal as (

    select * from {{ ref('stg_synapse__activity_log') }}

),

xp_accounts as (

    select
        'XP:' || user_id as account_id,
        'XP' as unit,
        {{ whole("xp") }} as recorded,
        updated_at as recorded_at,
        null::text as last_entry_id,
        _load_id
    from users

),

star_accounts as (

    select
        'STARS:' || user_id || ':' || season_id as account_id,
        'stars' as unit,
        {{ whole("season_stars") }} as recorded,
        null::timestamptz as recorded_at,
        null::text as last_entry_id,
        _load_id
    from user_stats

),

accounts as (

    select * from xp_accounts
    union all
    select * from star_accounts

),

-- Without a journal there is nothing to hold the totals against: they are neither right nor wrong.
final as (

    select * from accounts
    where exists (select 1 from journal)

)

select * from final
