with markets as (select * from {{ ref('stg_hermes__markets') }}),

clips as (select * from {{ ref('stg_hermes__events') }}),

outcomes as (select * from {{ ref('stg_hermes__outcomes') }}),

-- A market may be decided again: the latest decision counts, the others are superseded.
decisions as (
    select distinct on (market_id) *
    from {{ ref('stg_hermes__settlements') }}
    order by market_id asc, settled_at desc, settlement_id desc
),

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
        concat_ws(': ', clips.title, coalesce(questions.question, markets.question_key)) as title,
        coalesce(markets.lock_at, clips.lock_at) as lock_at,
        case
            when markets.status = 'void' then 'void'
            when winners.outcome_id is not null then 'settled'
            when decisions.settlement_id is not null and decisions.winning_outcome_id is null then 'void'
            when clips.status = 'void' then 'void'
            when decisions.settlement_id is not null then 'unsettled'
            when markets.status in ('locked', 'settled') then 'unsettled'
            else 'open'
        end as status,
        case markets.status when 'void' then null else winners.outcome_id end as winning_outcome_id,
        decisions.settled_at,
        greatest(markets._load_id, decisions._load_id) as _load_id
    from markets
    left join clips on markets.clip_id = clips.clip_id
    left join decisions on markets.market_id = decisions.market_id
    left join outcomes as winners
        on
            decisions.winning_outcome_id = winners.outcome_id
            and markets.market_id = winners.market_id
    left join questions on markets.question_key = questions.key_name
)

select * from final
