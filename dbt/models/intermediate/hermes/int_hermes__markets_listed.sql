with markets as (select * from {{ ref('stg_hermes__markets') }}),

clips as (select * from {{ ref('stg_hermes__events') }}),

questions as (
    select
        texts.key_name,
        min(translations.text_value) as question
    from {{ ref('stg_hermes__localization_keys') }} as texts
    inner join {{ ref('stg_hermes__localization_values') }} as translations
        on texts.localization_key_id = translations.localization_key_id
    where translations.locale_code = 'en'
    group by 1
),

final as (
    select
        markets.market_id,
        markets.clip_id,
        concat_ws(': ', clips.title, coalesce(questions.question, markets.question_key)) as title,
        markets.status,
        clips.status as clip_status,
        coalesce(markets.lock_at, clips.lock_at) as lock_at,
        markets.settlement_rule_key,
        greatest(markets._load_id, clips._load_id) as _load_id
    from markets
    left join clips on markets.clip_id = clips.clip_id
    left join questions on markets.question_key = questions.key_name
)

select * from final
