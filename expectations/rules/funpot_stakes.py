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
    # a day apart.
    Rule(
        id="A-05",
        system="funpot",
        title="Every stake is taken from the voter's wallet once and in full, and nothing is taken without a vote.",
        severity="error",
        unit="INT",
        tables=("votes", "wallet_ledger"),
        reads=(ROLLED_BACK,),
        query=f"""
            with {NEWEST},

            moved as (
                select
                    postings.user_id,
                    coalesce(votes.event_id, postings.reference) as staked_on,
                    coalesce(-sum(amount) filter (where movement = 'taken'), 0) as taken,
                    coalesce(sum(amount) filter (where movement <> 'taken'), 0) as rolled_back,
                    count(*) filter (where movement = 'taken') as takings,
                    count(*) filter (where movement <> 'taken') as rollbacks,
                    max(posted_at) as last_posted_at
                from (
                    select
                        user_id, coalesce({REFERENCE}, id) as reference, {MOVEMENT} as movement,
                        {SIGNED_AMOUNT} as amount, created_at as posted_at
                    from raw_funpot.wallet_ledger
                    where {ON_STAKES} and {IN_POINTS}
                ) as postings
                left join raw_funpot.votes on postings.reference = votes.id
                left join raw_funpot.events on postings.reference = events.id
                where movement <> 'refunded' or (votes.id is null and events.id is null)
                group by 1, 2
            ),

            staked as (
                select user_id, event_id as staked_on, sum(cost_int) as staked, count(*) as stakes,
                    max(created_at) as last_cast_at
                from raw_funpot.votes
                where cost_int > 0
                    and not exists (select from funpot_rolled_back_by_vote where vote_id = votes.id)
                group by 1, 2
            )

            select
                staked_on || ' ' || user_id as subject,
                coalesce(taken, 0) - coalesce(rolled_back, 0) - coalesce(staked, 0) as amount,
                jsonb_build_object(
                    'votes', coalesce(stakes, 0), 'staked', coalesce(staked, 0),
                    'takings', coalesce(takings, 0), 'taken', coalesce(taken, 0),
                    'rollbacks', coalesce(rollbacks, 0), 'rolled_back', coalesce(rolled_back, 0)
                ) as evidence,
                greatest(last_cast_at, last_posted_at) as happened_at
            from staked
            full join moved using (user_id, staked_on)
            cross join newest
            where (
                    coalesce(taken, 0) - coalesce(rolled_back, 0) <> coalesce(staked, 0)
                    or coalesce(takings, 0) - coalesce(rollbacks, 0) <> coalesce(stakes, 0)
                )
                and greatest(last_cast_at, last_posted_at) < delivered_until - interval '24 hours'
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
                name="a stake is taken in two halves",
                sql="""
                    with halved as (
                        update raw_funpot.wallet_ledger set amount_int = amount_int / 2
                        where id = (
                            select id from raw_funpot.wallet_ledger
                            where reason = 'vote_cost' and type = 'debit' and amount_int % 2 = 0 order by id limit 1
                        )
                        returning *
                    )
                    insert into raw_funpot.wallet_ledger
                    select gen_random_uuid(), user_id, type, amount_int, currency, reason, ref_id, null, created_at,
                        _load_id
                    from halved
                """,
            ),
        ),
    ),
)
