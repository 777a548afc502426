"""What must hold of the rewards that FunPot's events pay, each by itself: A-09, A-11 and A-18."""

# ruff: noqa: S608 - queries and mutations are put together from parts that are written in these modules

from expectations.rule import Mutation, Rule
from expectations.rules.funpot import (
    NEWEST,
    copy_one,
    update_one,
)
from expectations.rules.funpot_pools import (
    CONTESTS,
    KNOWN_FEE,
    POOLS,
    RETURNS,
    SETTLED,
    STAKED_ON,
    UNKNOWN_FEE,
    WINNERS,
    a_reward,
)
from expectations.rules.funpot_stakes import ROLLED_BACK

_REWARD = "reason = 'reward' and type = 'credit'"
_PAID_REWARDS = "id::text in (select ref_id from raw_funpot.wallet_ledger where reason = 'reward')"
_SHARED_POOL = f"""{UNKNOWN_FEE} and 2 < (
    select count(*) from raw_funpot.wallet_ledger as others where others.ref_id = events.id::text
)"""

RULES = (
    # Votes may be delivered a day after the reward they won. What was paid in error and taken back is no fault.
    Rule(
        id="A-09",
        system="funpot",
        title="A reward is paid for a winning vote on a closed event, once.",
        severity="error",
        unit="INT",
        tables=("wallet_ledger", "events", "votes"),
        reads=(CONTESTS, ROLLED_BACK, POOLS, WINNERS, RETURNS),
        scope=STAKED_ON,
        query=f"""
            with {NEWEST},

            paid as (
                select
                    event_id,
                    user_id,
                    case when event_id is null then id end as unknown_id,
                    min(ref_id) as reference,
                    sum(sign(amount)) as rewards,
                    sum(amount) as rewarded,
                    max(created_at) as last_rewarded_at
                from funpot_returns_by_posting
                where movement = 'rewarded'
                group by 1, 2, 3
            )

            select
                coalesce(unknown_id::text, event_id || ' ' || user_id) as subject,
                rewarded::numeric as amount,
                jsonb_build_object(
                    'event', coalesce(decision, 'none'), 'reference', reference,
                    'winning_votes', coalesce(winning_votes, 0), 'rewards', rewards, 'rewarded', rewarded
                ) as evidence,
                last_rewarded_at as happened_at
            from paid
            cross join newest
            left join funpot_contests_by_event using (event_id)
            left join funpot_winners_by_voter using (event_id, user_id)
            where case when winning_votes is null then rewarded <> 0 else rewards > winning_votes end
                and last_rewarded_at < delivered_until - interval '24 hours'
        """,
        mutations=(
            Mutation(
                name="a loser gets a reward",
                sql="""
                    update raw_funpot.votes set option_id = 'another'
                    from raw_funpot.wallet_ledger
                    where wallet_ledger.ref_id = votes.event_id::text and wallet_ledger.user_id = votes.user_id
                        and wallet_ledger.id = (
                            select id from raw_funpot.wallet_ledger where reason = 'reward' order by id limit 1
                        )
                """,
            ),
            Mutation(
                name="a reward is paid twice",
                sql=copy_one("wallet_ledger", _REWARD, idempotency_key="idempotency_key || ':again'"),
            ),
            Mutation(
                name="a reward names no event",
                sql=update_one("wallet_ledger", "ref_id = 'event 17'", _REWARD),
            ),
            Mutation(
                name="an event that paid rewards has no result",
                sql=update_one(
                    "events", "result_json = null", "id::text in (select ref_id from raw_funpot.wallet_ledger)"
                ),
            ),
            Mutation(
                name="an event that paid rewards was cancelled",
                sql=update_one(
                    "events",
                    "state = 'cancelled'",
                    _PAID_REWARDS,
                ),
            ),
            Mutation(
                name="an event that paid rewards was a draw",
                sql=update_one(
                    "events",
                    'result_json = \'{"result": "draw"}\'',
                    _PAID_REWARDS,
                ),
            ),
        ),
    ),
    # Where the fee is not known, rewards on one option must still be in proportion: each is some rate times the stake,
    # less what its votes lost to rounding. The highest rate that is certain stays below the lowest that is possible.
    Rule(
        id="A-11",
        system="funpot",
        title="A winner is paid the share of the pool that the stake is of its option, rounded down.",
        severity="error",
        unit="INT",
        tables=("events", "votes", "wallet_ledger"),
        reads=(CONTESTS, ROLLED_BACK, POOLS, WINNERS, RETURNS),
        scope=STAKED_ON,
        query=f"""
            with {NEWEST},

            {SETTLED},

            paid as (
                select event_id, user_id, sum(amount) as rewarded, max(created_at) as last_rewarded_at
                from funpot_returns_by_posting
                where movement = 'rewarded'
                group by event_id, user_id
            ),

            winners as (
                select
                    event_id, user_id, winning_votes, staked, only_option_id, due,
                    is_fee_known, payout_step, updated_at,
                    coalesce(rewarded, 0) as rewarded, last_rewarded_at
                from settled
                inner join funpot_winners_by_voter using (event_id)
                left join paid using (event_id, user_id)
            ),

            options as (
                select
                    event_id,
                    only_option_id,
                    sum(rewarded) / sum(staked) as mean_rate,
                    max(round(rewarded, 20) / staked) as certain_rate,
                    min(round(rewarded + winning_votes * payout_step, 20) / staked) as possible_rate
                from winners
                where not is_fee_known and only_option_id is not null
                group by event_id, only_option_id
            )

            select
                event_id || ' ' || user_id as subject,
                rewarded - due as amount,
                jsonb_build_object(
                    'winning_votes', winning_votes, 'staked', staked, 'due', due, 'rewarded', rewarded
                ) as evidence,
                coalesce(last_rewarded_at, updated_at) as happened_at
            from winners
            where is_fee_known and rewarded <> due
            union all
            select
                event_id || ' ' || only_option_id,
                ceil(max(abs(rewarded - mean_rate * staked))),
                jsonb_build_object(
                    'winners', count(*), 'staked', sum(staked), 'rewarded', sum(rewarded),
                    'lowest_reward_per_stake', round(min(rewarded / staked), 6),
                    'highest_reward_per_stake', round(max(rewarded / staked), 6)
                ),
                coalesce(max(last_rewarded_at), max(updated_at))
            from winners
            inner join options using (event_id, only_option_id)
            where certain_rate >= possible_rate
            group by event_id, only_option_id
        """,
        mutations=(
            Mutation(
                name="a reward by a known fee is one point short",
                sql=f"""
                    update raw_funpot.wallet_ledger set amount_int = amount_int - 1
                    where {a_reward(KNOWN_FEE)}
                """,
            ),
            Mutation(
                name="two winners of a pool with a known fee swap their rewards",
                sql="""
                    with two as (
                        select wallet_ledger.id, amount_int,
                            lead(wallet_ledger.id) over pool as next_id, lead(amount_int) over pool as next_amount
                        from raw_funpot.wallet_ledger
                        inner join raw_funpot.events on events.id::text = ref_id
                        inner join raw_funpot.games on events.game_id = games.id
                        where reason = 'reward' and rules_json ->> 'fee_bps' is not null
                        window pool as (partition by ref_id order by amount_int desc)
                    ),
                    swapped as (
                        select * from two where amount_int <> next_amount order by id limit 1
                    )
                    update raw_funpot.wallet_ledger
                    set amount_int = case wallet_ledger.id when swapped.id then next_amount else swapped.amount_int end
                    from swapped
                    where wallet_ledger.id in (swapped.id, swapped.next_id)
                """,
            ),
            Mutation(
                name="a reward by an unknown fee is out of proportion",
                sql=f"""
                    update raw_funpot.wallet_ledger set amount_int = amount_int / 2
                    where {a_reward(_SHARED_POOL)}
                """,
            ),
        ),
    ),
    Rule(
        id="A-18",
        system="funpot",
        title="A reward carries an idempotency key and comes after its event closed.",
        severity="warn",
        unit="INT",
        tables=("wallet_ledger", "events", "votes"),
        reads=(CONTESTS, RETURNS),
        scope=STAKED_ON,
        query="""
            select
                id::text as subject,
                amount::numeric as amount,
                jsonb_build_object(
                    'event_id', event_id, 'idempotency_key', idempotency_key, 'rewarded_at', created_at,
                    'closes_at', closes_at
                ) as evidence,
                created_at as happened_at
            from funpot_returns_by_posting
            left join funpot_contests_by_event using (event_id)
            where movement = 'rewarded' and amount > 0 and (idempotency_key is null or created_at < closes_at)
        """,
        mutations=(
            Mutation(
                name="a reward has no key",
                sql=update_one("wallet_ledger", "idempotency_key = null", _REWARD),
            ),
            Mutation(
                name="a reward was paid a second before its event closed",
                sql=f"""
                    update raw_funpot.wallet_ledger set created_at = (
                        select closes_at - interval '1 second' from raw_funpot.events where id::text = ref_id
                    )
                    where {a_reward()}
                """,
            ),
        ),
    ),
)
