with scores as (

    select * from {{ ref('int_synapse__scores_counted') }}

),

-- As the owner's API ranks: nobody shares a place, the member who came to Discord first stands higher.
final as (

    select
        board,
        period,
        user_id::text as entity_id,
        score,
        'ordinal by user id' as tie_rule,
        row_number() over (partition by board, period order by score desc, user_id asc) as rank
    from scores

)

select * from final
