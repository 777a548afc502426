with category_channels as (

    select * from {{ ref('stg_synapse__category_channels') }}

),

-- The source allows a channel in several categories; one event counts once, so the category made first has it.
categorised as (

    select
        channel_id,
        min(category_id) as category_id
    from category_channels
    group by 1

)

select * from categorised
