with users as (select * from {{ ref('stg_hermes__users') }}),

votes as (
    select *
    from {{ ref('int_hermes__votes') }}
    where accepted
),

scores as (
    select
        voter_id,
        sum(payout - stake) as profit,
        count(*) filter (where is_winner) as hits,
        count(is_winner) as decided
    from votes
    group by 1
),

boards as (
    select
        'predictor_profit' as board,
        coalesce(users.user_id, scores.voter_id) as entity_id,
        coalesce(scores.profit, {{ decimal(0) }}) as score
    from users
    full outer join scores on users.user_id = scores.voter_id

    union all

    -- Ten places for every share: 1/3 and 2/6 tie, and shares of fewer than 100,000 picks never do by rounding.
    select
        'predictor_hit_rate' as board,
        voter_id as entity_id,
        {{ ratio('hits', 'decided', 10) }} as score
    from scores
    where decided > 0
),

final as (
    select
        board,
        'lifetime' as period,
        rank() over (partition by board order by score desc) as rank,
        entity_id,
        score,
        'competition' as tie_rule
    from boards
)

select * from final
