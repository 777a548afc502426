"""What must hold of the stakes that FunPot gives back: A-12."""

# ruff: noqa: S608 - queries and mutations are put together from parts that are written in these modules

from expectations.rule import Mutation, Rule
from expectations.rules.funpot import NEWEST, copy_one
from expectations.rules.funpot_pools import CONTESTS, POOLS, RETURNS, STAKED_ON
from expectations.rules.funpot_stakes import ROLLED_BACK

_SOMEBODY = "(select id from raw_funpot.users order by id desc limit 1)"
_OF_CANCELLED = "events.state = 'cancelled'"
_OF_OTHERS = f"{_OF_CANCELLED} and wallet_ledger.user_id <> {_SOMEBODY}"
_OF_DRAW = "result_json ->> 'result' = 'draw'"
_OF_SCRATCHED = "result_json -> 'refunded_options' ? votes.option_id"


def _a_refund(of: str) -> str:
    """The condition on one posting: a stake given back of a vote and an event that are as told."""
    return f"""
        id = (
            select wallet_ledger.id
            from raw_funpot.wallet_ledger
            inner join raw_funpot.votes on votes.id::text = ref_id
            inner join raw_funpot.events on votes.event_id = events.id
            where wallet_ledger.type = 'credit' and {of}
            order by wallet_ledger.id limit 1
        )
    """


RULES = (
    # The fee is given up with the stake. Each wallet is judged by itself, so that one that got too much does not hide
    # another. Where a game does not say what becomes of a pool that nobody won, the house may keep it or give it back.
    # An event that has no time of its change ended with its timer.
    Rule(
        id="A-12",
        system="funpot",
        title="Cancelled events, draws and scratched options give all stakes back within a day, and nothing else does.",
        severity="error",
        unit="INT",
        tables=("events", "wallet_ledger", "votes"),
        reads=(CONTESTS, ROLLED_BACK, POOLS, RETURNS),
        scope=STAKED_ON,
        query=f"""
            with {NEWEST},

            ended as (
                select event_id, decision, no_winner, coalesce(updated_at, closes_at) as ended_at
                from funpot_contests_by_event
                cross join newest
                where decision in ('cancelled', 'draw', 'result')
                    and coalesce(updated_at, closes_at) < delivered_until - interval '24 hours'
            ),

            options as (
                select
                    event_id,
                    option_id,
                    decision <> 'result' or verdict = 'refunded' as is_void,
                    no_winner,
                    coalesce(sum(paid_votes) filter (where verdict = 'winning') over (partition by event_id), 0) = 0
                        and decision = 'result' as is_unwon
                from funpot_pools_by_option
                inner join ended using (event_id)
            ),

            due as (
                select
                    event_id,
                    user_id,
                    sum(cost_int) filter (where is_void or no_winner = 'refund') as least,
                    sum(cost_int) filter (where is_void or no_winner is distinct from 'house_keeps') as most
                from raw_funpot.votes
                inner join options using (event_id, option_id)
                where (is_void or is_unwon) and in_scope(votes.event_id)
                    and not exists (select from funpot_rolled_back_by_vote where vote_id = votes.id)
                group by event_id, user_id
            ),

            given_back as (
                select event_id, user_id, sum(amount) as given_back
                from funpot_returns_by_posting
                where movement = 'refunded'
                group by event_id, user_id
            ),

            wallets as (
                select event_id, user_id, coalesce(given_back, 0) as given_back,
                    case when given_back = most then most else coalesce(least, 0) end as due
                from due
                full join given_back using (event_id, user_id)
            )

            select
                event_id::text as subject,
                sum(abs(given_back - due)) as amount,
                jsonb_build_object(
                    'decision', min(decision), 'wallets', count(*), 'due', sum(due), 'given_back', sum(given_back),
                    'first_user_id', min(user_id::text)
                ) as evidence,
                min(ended_at) as happened_at
            from wallets
            inner join ended using (event_id)
            where given_back <> due
            group by event_id
        """,
        mutations=(
            Mutation(
                name="a stake of a cancelled event is not given back",
                sql=f"delete from raw_funpot.wallet_ledger where {_a_refund(_OF_CANCELLED)}",
            ),
            Mutation(
                name="a stake of a cancelled event that has no time of its change is not given back",
                sql=f"""
                    with undated as (update raw_funpot.events set updated_at = null where state = 'cancelled')
                    delete from raw_funpot.wallet_ledger where {_a_refund(_OF_CANCELLED)}
                """,
            ),
            Mutation(
                name="a stake of a draw is given back one point short",
                sql=f"""
                    update raw_funpot.wallet_ledger set amount_int = amount_int - 1
                    where {_a_refund(_OF_DRAW)}
                """,
            ),
            Mutation(
                name="a stake of a cancelled event is given back to somebody else",
                sql=f"""
                    update raw_funpot.wallet_ledger set user_id = {_SOMEBODY}
                    where {_a_refund(_OF_OTHERS)}
                """,
            ),
            Mutation(
                name="a stake on a scratched option is not given back",
                sql=f"""
                    delete from raw_funpot.wallet_ledger
                    where {_a_refund(_OF_SCRATCHED)}
                """,
            ),
            Mutation(
                name="a loser gets the stake back",
                sql=copy_one(
                    "wallet_ledger",
                    "reason = 'reward'",
                    reason="'vote_cost'",
                    amount_int="1",
                    idempotency_key="null",
                ),
            ),
            Mutation(
                name="pools that nobody won are kept though the game gives them back",
                sql="""
                    update raw_funpot.games set rules_json = jsonb_set(rules_json, '{no_winner}', '"refund"')
                    where jsonb_typeof(rules_json) = 'object'
                """,
            ),
            Mutation(
                name="pools that nobody won are given back though the house keeps them",
                sql="""
                    update raw_funpot.games set rules_json = jsonb_set(rules_json, '{no_winner}', '"house_keeps"')
                    where rules_json ->> 'no_winner' = 'refund'
                """,
            ),
        ),
    ),
)
