with postings as (

    select ref_id
    from {{ ref('stg_funpot__wallet_ledger') }}
    where {{ newly_loaded('funpot') }}

),

-- Until the first posting ever, nobody knows what was paid for any contest.
ledger as (

    select
        exists (select 1 from postings)
        and not exists (
            select 1 from {{ published('fct_ledger_entries') }} as entries
            where entries.system = 'funpot'
        ) as begins

),

contests as (

    select
        contests.contest_id,
        contests._load_id,
        games._load_id as rules_load_id
    from {{ ref('stg_funpot__events') }} as contests
    left join {{ ref('stg_funpot__games') }} as games on contests.game_id = games.game_id

)

select contests.contest_id
from contests
cross join ledger
where
    {{ newly_loaded('funpot', 'contests._load_id') }}
    or {{ newly_loaded('funpot', 'contests.rules_load_id') }}
    or ledger.begins
union
select contest_id
from {{ ref('stg_funpot__votes') }}
where {{ newly_loaded('funpot') }}
union
select contests.contest_id
from contests
inner join postings on contests.contest_id = postings.ref_id
union
-- A vote that is not published yet has touched its contest already.
select votes.contest_id
from {{ published('fct_votes') }} as votes
inner join postings on votes.vote_id = postings.ref_id
where votes.system = 'funpot'
union
-- Whether a wait is over is told by the newest instant, which moves.
select waiting.contest_id
from {{ published('settlements') }} as waiting
where waiting.system = 'funpot' and waiting.status = 'pending'
