with counters as (select * from {{ ref('int_storyforge__counters_compared') }}),

judged as (
    select
        *,
        case
            when counter = 'view_count' and owner_type = 'idea' then 'no table of views'
            when of_all is null
                then
                    case counter
                        when 'like_count' then 'likes'
                        when 'view_count' then 'views'
                        when 'scene_count' then 'scenes'
                        else 'segments'
                    end || ' never delivered'
            when counter = 'bible_version' then 'one and all segments'
            when counter in ('like_count', 'view_count') then 'all rows'
            when {{ storyforge_counts_active('recorded', 'of_all', 'of_active') }} then 'active rows'
            else 'all rows'
        end as basis
    from counters
),

recounted as (
    select
        *,
        case when basis = 'active rows' then of_active else of_all end as recounted
    from judged
),

final as (
    select
        owner_type || ':' || owner_id as subject,
        counter,
        recorded,
        recounted,
        basis,
        recorded - recounted as drift,
        case
            when recorded < 0 then 'negative counter'
            when recounted is null then 'not verifiable'
            when recorded = recounted then null
            when counter = 'contributor_count' and recorded = 0 then 'never set by the source'
            when counter = 'view_count' and recorded < recounted then 'counter lags behind views'
            when counter = 'view_count' then 'late or missing views'
            when recorded > recounted then 'counter exceeds its rows'
            else 'counter misses rows'
        end as cause,
        null::timestamptz as broken_since,
        unit,
        of_all,
        of_active
    from recounted
)

select * from final
