-- Every delivery brings all likes that stand: what differs from those that are told is new, or was taken back.
with standing as (

    select
        'like_given:' || like_id as event_id,
        user_id,
        target_type,
        target_id,
        liked_at
    from {{ ref('stg_storyforge__likes') }}

),

told as (

    select
        event_id,
        actor_id as user_id,
        payload ->> 'target_type' as target_type,
        subject_id as target_id,
        occurred_at as liked_at
    from {{ published('fct_events') }}
    where system = 'storyforge' and event_type = 'like_given'

),

differing as (

    (
        select * from standing
        except
        select * from told
    )
    union all
    (
        select * from told
        except
        select * from standing
    )

)

select distinct event_id
from differing
where
    exists (
        select 1
        from {{ source('ingest', 'loads') }} as loads
        where loads.table_name = 'likes' and {{ newly_loaded('storyforge', 'loads.load_id') }}
    )
