with breaks as (

    select * from {{ ref('reconciliation_breaks') }}

),

names as (

    select
        breaks.system,
        named.name
    from breaks
    cross join lateral {{ names_of_break('breaks') }} as named (name)
    where named.name is not null

),

-- Postings of FunPot name the vote, or the invoice of the payment.
votes as (

    select
        votes.system,
        votes.vote_id as name
    from breaks
    inner join {{ ref('fct_votes') }} as votes
        on breaks.system = votes.system and split_part(breaks.subject, ':', 1) = votes.contest_id
    where
        breaks.system = 'funpot'
        and breaks.subject in (votes.contest_id, votes.contest_id || ':' || votes.voter_id)

),

invoices as (

    select
        breaks.system,
        payments.invoice_id as name
    from breaks
    inner join {{ ref('stg_funpot__payments') }} as payments on breaks.subject = payments.payment_id
    where breaks.system = 'funpot' and payments.invoice_id is not null

)

select * from names
union
select * from votes
union
select * from invoices
