-- For whoever looks into a posting: no mart reads it, so that a payment which comes late touches none.
with postings as (select * from {{ ref('int_funpot__postings_classified') }}),

votes as (select * from {{ ref('stg_funpot__votes') }}),

contests as (select * from {{ ref('stg_funpot__events') }}),

payments as (select * from {{ ref('stg_funpot__payments') }}),

final as (
    select
        entry_id,
        ref_id,
        case
            when ref_id in (select votes.vote_id from votes) then 'vote'
            when ref_id in (select contests.contest_id from contests) then 'event'
            when ref_id in (select payments.payment_id from payments) then 'payment'
            when ref_id in (select payments.invoice_id from payments) then 'invoice'
        end as ref_resolved_as
    from postings
)

select * from final
