with legs as (
    select *
    from {{ ref('int_advert_market__deal_legs') }}
    where {{ touched('advert_market', 'contests', 'deal_id', 'contest_id') }}
),

final as (
    select
        deal_id,
        coalesce(sum(amount) filter (where step = 'escrowed'), 0) as escrowed,
        coalesce(sum(amount) filter (where step = 'owner_share'), 0) as owner_share,
        coalesce(sum(amount) filter (where step = 'commission'), 0) as commission,
        coalesce(sum(amount) filter (where step = 'refunded'), 0) as refunded,
        coalesce(-sum(amount) filter (where step = 'swept'), 0) as swept,
        coalesce(-sum(amount) filter (where step = 'paid_out'), 0) as paid_out,
        coalesce(sum(amount) filter (where account_kind = 'ESCROW'), 0) as escrow_held,
        min(posted_at) filter (where step = 'escrowed') as escrowed_at,
        max(posted_at) filter (where account_kind = 'ESCROW' and amount < 0) as settled_at
    from legs
    group by 1
)

select * from final
