{{ config(meta={'follows': ['events', 'games', 'votes', 'wallet_ledger']}) }}

with stakes as (select * from {{ ref('int_funpot__stakes_settled') }}),

options as (
    select *
    from {{ ref('int_funpot__options_listed') }}
    where {{ touched('funpot', 'contests', 'contest_id') }}
),

final as (
    select
        stakes.vote_id,
        stakes.contest_id,
        stakes.voter_id,
        stakes.option_id,
        options.option_label,
        stakes.stake,
        'INT' as unit,
        {{ decimal('null') }} as odds,
        stakes.standing <> 'rolled_back' as accepted,
        stakes.is_winner,
        case when stakes.standing not in ('pending', 'rolled_back') then stakes.payout + stakes.refund end as payout,
        stakes.cast_at,
        null::text as session_id,
        case stakes.standing when 'rolled_back' then 'rolled_back' else 'accepted' end as verdict,
        null::text as acceptance_code,
        false as is_replay,
        null::boolean as is_late,
        null::timestamptz as sent_at,
        stakes._load_id
    from stakes
    left join options on stakes.contest_id = options.contest_id and stakes.option_id = options.option_id
)

select * from final
