"""What must hold of FunPot's stakes and of the keys of its requests: A-04 and A-05.

A stake is taken by a posting that names its vote, or only the event.
"""

# ruff: noqa: S608 - queries and mutations are put together from parts that are written in these modules

from expectations.rule import Mutation, Rule, Scope, Summary
from expectations.rules.funpot import (
    IN_POINTS,
    MOVEMENT,
    NEWEST,
    ON_STAKES,
    REFERENCE,
    SIGNED_AMOUNT,
    copy_one,
    split_one,
    update_one,
)

_KEYS = Scope("funpot_keys", {"wallet_ledger": "idempotency_key", "votes": "idempotency_key"})

# A vote that was rolled back never counted. The posting that undoes it names the vote, or names the event and repeats
# the vote's key. Most sources delete the vote along with it.
ROLLED_BACK = Summary(
    "funpot_rolled_back_by_vote",
    f"""
        with rollbacks as (
            select user_id, {REFERENCE} as reference, left(idempotency_key, -9) as vote_key
            from raw_funpot.wallet_ledger
            where {ON_STAKES} and {MOVEMENT} = 'rolled_back'
        )

        select votes.id as vote_id
        from raw_funpot.votes
        inner join rollbacks on votes.id = rollbacks.reference
        union
        select votes.id
        from raw_funpot.votes
        inner join rollbacks
            on votes.event_id = rollbacks.reference
            and votes.user_id = rollbacks.user_id
            and votes.idempotency_key = rollbacks.vote_key
    """,
)


def _repeated_keys(table: str, value: str) -> str:
    """The keys that a table has more than once, with what the repeats are worth beyond the first of them.

    Keys are counted first and looked up afterwards, since hardly any repeats and most rows need no more than counting.
    """
    return f"""
        select
            '{table} ' || repeated.idempotency_key as subject,
            sum({value}) filter (where place > 1) as amount,
            jsonb_build_object('rows', count(*), 'ids', (array_agg(id order by place))[:5]) as evidence,
            max(created_at) as happened_at
        from (
            select idempotency_key, id, {value}, created_at,
                row_number() over (partition by idempotency_key order by created_at, id) as place
            from raw_funpot.{table}
            where idempotency_key in (
                select idempotency_key from raw_funpot.{table}
                where idempotency_key is not null and in_scope({table}.idempotency_key)
                group by idempotency_key
                having count(*) > 1
            )
        ) as repeated
        group by repeated.idempotency_key
    """


RULES = (
    # The source forgets keys after a day, so a request that comes again later is taken for a new one.
    Rule(
        id="A-04",
        system="funpot",
        title="An idempotency key is used for one posting and for one vote.",
        severity="error",
        unit="INT",
        tables=("wallet_ledger", "votes"),
        needs_all=False,
        scope=_KEYS,
        query=f"""
            {_repeated_keys("wallet_ledger", "amount_int")}
            union all
            {_repeated_keys("votes", "cost_int")}
        """,
        mutations=(
            Mutation(
                name="a withdrawal is posted again when its key was forgotten",
                sql=copy_one(
                    "wallet_ledger",
                    "reason = 'withdraw' and type = 'debit'",
                    created_at="created_at + interval '25 hours'",
                ),
            ),
            Mutation(
                name="a free vote takes the key of another",
                sql=update_one(
                    "votes",
                    "idempotency_key = (select min(idempotency_key) from raw_funpot.votes)",
                    "cost_int = 0",
                ),
            ),
        ),
    ),
    # Votes of one user on one event are judged together, because a posting may name the event alone. Where the vote and
    # the event are unknown, a stake given back can only have been rolled back. A vote and its posting may be delivered
    # a day apart. Most users' postings name exactly their votes with exactly their points, which two sums of hashes
    # tell without any join; only the others are looked at vote by vote.
    Rule(
        id="A-05",
        system="funpot",
        title="Every stake is taken from its voter's wallet once and in full, and nothing is taken without a vote.",
        severity="error",
        unit="INT",
        tables=("votes", "wallet_ledger"),
        reads=(ROLLED_BACK,),
        query=f"""
            with {NEWEST},

            named as (
                select user_id, sum(hashtextextended(id::text, cost_int)) as hashes
                from raw_funpot.votes
                where cost_int > 0
                group by user_id
                union all
                select user_id,
                    -sum(hashtextextended(coalesce(ref_id, ''), amount_int)) filter (where type = 'debit')
                    + coalesce(
                        sum(hashtextextended(coalesce(ref_id, ''), amount_int)) filter (where type = 'credit'), 0
                    )
                from raw_funpot.wallet_ledger
                where {ON_STAKES} and {IN_POINTS} and {MOVEMENT} <> 'refunded'
                group by user_id
            ),

            suspects as (
                select user_id from named group by user_id having (sum(hashes) = 0) is not true
            ),

            entries as (
                select user_id, event_id as staked_on, cost_int as staked, 1 as stakes, 0 as taken, 0 as takings,
                    created_at
                from raw_funpot.votes
                where cost_int > 0
                    and user_id in (select user_id from suspects)
                    and not exists (select from funpot_rolled_back_by_vote where vote_id = votes.id)
                union all
                select
                    postings.user_id, coalesce(votes.event_id, postings.reference), 0, 0, -amount,
                    case when type = 'debit' then 1 else -1 end, posted_at
                from (
                    select
                        user_id, coalesce({REFERENCE}, id) as reference, {MOVEMENT} as movement,
                        {SIGNED_AMOUNT} as amount, type, created_at as posted_at
                    from raw_funpot.wallet_ledger
                    where {ON_STAKES} and {IN_POINTS} and user_id in (select user_id from suspects)
                ) as postings
                left join raw_funpot.votes on postings.reference = votes.id
                left join raw_funpot.events on postings.reference = events.id
                where movement <> 'refunded' or (votes.id is null and events.id is null)
            )

            select
                staked_on || ' ' || user_id as subject,
                sum(taken) - sum(staked) as amount,
                jsonb_build_object(
                    'votes', sum(stakes), 'staked', sum(staked), 'taken', sum(taken),
                    'takings', count(*) filter (where takings > 0), 'rollbacks', count(*) filter (where takings < 0)
                ) as evidence,
                max(created_at) as happened_at
            from entries
            group by user_id, staked_on
            having (sum(taken) <> sum(staked) or sum(takings) <> sum(stakes))
                and max(created_at) < (select delivered_until from newest) - interval '24 hours'
        """,
        mutations=(
            Mutation(
                name="a stake is one point less than the vote says",
                sql=update_one("wallet_ledger", "amount_int = amount_int - 1", "reason = 'vote_cost'"),
            ),
            Mutation(
                name="a stake is taken twice",
                sql=copy_one("wallet_ledger", "reason = 'vote_cost' and type = 'debit'", idempotency_key="null"),
            ),
            Mutation(
                name="a stake is taken from somebody else",
                sql=update_one(
                    "wallet_ledger",
                    "user_id = (select id from raw_funpot.users order by id desc limit 1)",
                    "reason = 'vote_cost' and type = 'debit'"
                    " and user_id <> (select id from raw_funpot.users order by id desc limit 1)",
                ),
            ),
            Mutation(
                name="a vote with a stake is gone, the stake is not given back",
                sql="delete from raw_funpot.votes where id ="
                " (select id from raw_funpot.votes where cost_int > 0 order by id limit 1)",
            ),
            Mutation(
                name="a rollback gives back less than was taken",
                sql=update_one(
                    "wallet_ledger", "amount_int = amount_int - 1", "right(idempotency_key, 9) = ':rollback'"
                ),
            ),
            Mutation(
                name="a stake is taken in two parts",
                sql=split_one("reason = 'vote_cost' and type = 'debit'"),
            ),
        ),
    ),
)
