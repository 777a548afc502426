with rounds as (select * from {{ ref('hermes_study_rounds') }}),

exits as (select * from {{ ref('int_hermes__session_exits') }}),

sessions as (select * from {{ ref('int_hermes__sessions_described') }}),

-- A null is no observation: a round without a preview is in no rate of previews.
by_round as (
    select
        rounds.experiment_variant,
        rounds.locale_code,
        rounds.device_platform,
        measures.metric,
        measures.measure
    from rounds
    cross join
        lateral (
            values
            ('decision_latency_ms', rounds.decision_latency_ms),
            ('decision_latency_by_countdown_ms', rounds.decision_latency_by_countdown_ms),
            (
                'round_completion_rate',
                case when rounds.preview_started_at is not null then {{ decimal('rounds.is_completed::integer') }} end
            ),
            (
                'missed_round_rate',
                case when rounds.preview_started_at is not null then {{ decimal('rounds.is_missed::integer') }} end
            ),
            ('post_lock_attempts_per_round', {{ decimal('rounds.post_lock_attempts') }}),
            ('rejections_reported_per_round', {{ decimal('rounds.rejections_reported') }}),
            (
                'replay_desire_rate',
                case when rounds.is_completed then {{ decimal('rounds.is_next_requested::integer') }} end
            )
        ) as measures (metric, measure)
    where measures.measure is not null
),

final as (
    select * from by_round

    union all

    select
        coalesce(sessions.experiment_variant, 'unknown') as experiment_variant,
        coalesce(sessions.locale_code, 'unknown') as locale_code,
        coalesce(sessions.device_platform, 'unknown') as device_platform,
        'exit_rate' as metric,
        {{ decimal('exits.is_exit::integer') }} as measure
    from exits
    left join sessions on exits.session_id = sessions.session_id
)

select * from final
