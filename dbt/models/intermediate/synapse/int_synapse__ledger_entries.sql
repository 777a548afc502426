{{ config(meta={'follows': ['activity_log']}) }}

with activity as (

    select * from {{ ref('stg_synapse__activity_log') }}
    where {{ newly_loaded('synapse') }}

),

xp_postings as (

    select
        activity_id || ':XP' as entry_id,
        activity_id as tx_ref,
        'XP:' || user_id as account_id,
        'xp' as account_kind,
        'XP' as unit,
        {{ whole("xp_delta") }} as amount,
        event_type as reason,
        null::text as contest_id,
        null::text as reference,
        idempotency_key,
        rewarded_at as posted_at,
        _load_id
    from activity
    where xp_delta <> 0

),

-- Stars live in a season's account. Given while no season was active they reached none, at the source as here.
star_postings as (

    select
        activity_id || ':STARS' as entry_id,
        activity_id as tx_ref,
        'STARS:' || user_id || ':' || season_id as account_id,
        'stars' as account_kind,
        'stars' as unit,
        {{ whole("star_delta") }} as amount,
        event_type as reason,
        null::text as contest_id,
        null::text as reference,
        idempotency_key,
        rewarded_at as posted_at,
        _load_id
    from activity
    where star_delta <> 0 and season_id is not null

),

final as (

    select * from xp_postings
    union all
    select * from star_postings

)

select * from final
