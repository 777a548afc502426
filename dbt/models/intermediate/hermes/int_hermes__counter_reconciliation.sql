with reported as (
    select
        session_id,
        event_type as counter,
        count(*) as recorded
    from {{ ref('int_hermes__telemetry_of_rounds') }}
    where
        event_type in (
            'selection_submitted', 'selection_accepted', 'selection_rejected', 'duplicate_selection_attempt'
        )
    group by 1, 2
),

answered as (select * from {{ ref('int_hermes__picks_answered') }}),

-- What no version of the app ever reported was not lost.
known as (select distinct counter from reported),

-- Devices flush their buffers up to three days late.
horizon as (
    select max(cast_at) - interval '3 days' as complete_until from {{ ref('fct_votes') }}
    where system = 'hermes'
),

compared as (
    select
        coalesce(reported.session_id, answered.session_id) as session_id,
        coalesce(reported.counter, answered.counter) as counter,
        coalesce(reported.recorded, 0) as recorded,
        coalesce(answered.picks, 0) as recounted,
        coalesce(answered.replays, 0) as replays,
        answered.last_cast_at
    from reported
    full outer join answered
        on reported.session_id = answered.session_id and reported.counter = answered.counter
),

final as (
    select
        'session:' || compared.session_id as subject,
        compared.counter,
        {{ whole('compared.recorded') }} as recorded,
        {{ whole('compared.recounted') }} as recounted,
        'picks of the session that the server received, without retries' as basis,
        {{ whole('compared.recorded - compared.recounted') }} as drift,
        case
            when compared.recorded = compared.recounted then null
            when compared.recorded < compared.recounted and compared.last_cast_at > horizon.complete_until
                then 'late telemetry'
            when compared.recorded < compared.recounted then 'telemetry loss'
            when compared.recorded - compared.recounted <= compared.replays then 'retry reported'
            when compared.counter = 'selection_submitted' then 'submission never arrived'
            else 'answer without a pick'
        end as cause,
        null::timestamptz as broken_since
    from compared
    inner join known on compared.counter = known.counter
    cross join horizon
    where compared.recorded > 0 or compared.recounted > 0
)

select * from final
