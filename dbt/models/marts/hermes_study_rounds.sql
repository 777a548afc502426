{{ config(indexes=[{'columns': ['experiment_variant', 'locale_code']}]) }}

with reported as (select * from {{ ref('int_hermes__rounds_reported') }}),

picked as (select * from {{ ref('int_hermes__rounds_picked') }}),

followed as (select * from {{ ref('int_hermes__rounds_followed') }}),

sessions as (select * from {{ ref('int_hermes__sessions_described') }}),

selection_windows as (select * from {{ ref('int_hermes__selection_windows') }}),

-- A round is known by telemetry, by picks, or by both: either may be missing.
rounds as (
    select
        coalesce(reported.session_id, picked.session_id) as session_id,
        coalesce(reported.clip_id, picked.clip_id) as clip_id,
        reported.preview_started_at,
        reported.outcome_selected_at,
        reported.countdown_ms_remaining,
        coalesce(reported.was_locked, false) as was_locked,
        coalesce(reported.is_completed, false) as is_completed,
        coalesce(reported.rejections_reported, 0) as rejections_reported,
        coalesce(picked.submissions, 0) as submissions,
        coalesce(picked.picks_accepted, 0) as picks_accepted,
        coalesce(picked.picks_in_time, 0) as picks_in_time,
        coalesce(picked.post_lock_attempts, 0) as post_lock_attempts
    from reported
    full outer join picked on reported.session_id = picked.session_id and reported.clip_id = picked.clip_id
)

select
    'hermes'::text as system,
    rounds.session_id,
    rounds.clip_id,
    sessions.external_ref as user_id,
    coalesce(sessions.experiment_variant, 'unknown') as experiment_variant,
    coalesce(sessions.locale_code, 'unknown') as locale_code,
    coalesce(sessions.device_platform, 'unknown') as device_platform,
    rounds.preview_started_at,
    rounds.outcome_selected_at,
    -- Instants have six places, so that three of a millisecond lose nothing.
    round({{ seconds_between('rounds.preview_started_at', 'rounds.outcome_selected_at') }} * 1000, 3)
        as decision_latency_ms,
    {{ decimal('selection_windows.window_ms - rounds.countdown_ms_remaining') }} as decision_latency_by_countdown_ms,
    rounds.is_completed,
    rounds.preview_started_at is not null and rounds.was_locked and rounds.picks_in_time = 0 as is_missed,
    rounds.submissions,
    rounds.picks_accepted,
    rounds.post_lock_attempts,
    rounds.rejections_reported,
    coalesce(followed.is_next_requested, false) as is_next_requested,
    coalesce(followed.is_exit, false) as is_exit
from rounds
left join sessions on rounds.session_id = sessions.session_id
left join followed on rounds.session_id = followed.session_id and rounds.clip_id = followed.clip_id
left join selection_windows on rounds.clip_id = selection_windows.clip_id
where {{ is_open("'hermes'") }}
