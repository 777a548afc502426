"""What must hold of FunPot's pools: A-10, and what the rules of settlements read as well.

A pool is what the votes on an event staked. The fee is taken from each stake, the rest is divided between the winning
options that somebody backed, and within each by stake. Options that the result lists as refunded stand outside.
"""

# ruff: noqa: S608 - queries and mutations are put together from parts that are written in these modules

from expectations.rule import Mutation, Rule, Scope, Summary
from expectations.rules.funpot import IN_POINTS, MOVEMENT, NEWEST, REFERENCE, SIGNED_AMOUNT, update_one
from expectations.rules.funpot_stakes import ROLLED_BACK

_DEFAULT_FEE_BPS = 0  # the dbt var f000_fee_bps, for where nothing is claimed of the fee
_DEFAULT_DEAD_HEAT = "split_pool"  # the dbt var f000_dead_heat

# The contest that a posting is for: the event it names, or that of the vote it names; if neither is known, what it
# names, or it has none.
_VOTED_ON = f"(select votes.event_id from raw_funpot.votes where votes.id = {REFERENCE})"
_CONTEST = f"coalesce({_VOTED_ON}, {REFERENCE}, wallet_ledger.id)"
# Events by what is staked on them, decided and paid. Wallets and payments only tell the time. A contest is judged a day
# after its last change, a posting a day after it was made. How far the events reach is enough: an earlier instant
# finds more of them.
STAKED_ON = Scope(
    "funpot_staked_on",
    {
        "events": "id",
        "votes": "event_id",
        "wallet_ledger": _CONTEST,
        "games": "unnest(array(select events.id from raw_funpot.events where events.game_id = games.id))",
        "streamers": """unnest(
            case
                when status = 'banned'
                    then array(select events.id from raw_funpot.events where events.streamer_id = streamers.id)
            end
        )""",
        "wallet_accounts": "null::uuid",
        "payments": "null::uuid",
    },
    due=f"""
        with seen as (
            select coalesce(max(greatest(created_at, updated_at)), '-infinity') - interval '24 hours' as until
            from raw_funpot.events
            where _load_id not in (select load_id from new_loads)
        )
        select id as key from raw_funpot.events where greatest(closes_at, updated_at) >= (select until from seen)
        union all
        select event_id from raw_funpot.votes where created_at >= (select until from seen)
        union all
        select {_CONTEST} from raw_funpot.wallet_ledger where created_at >= (select until from seen)
    """,
)

# How an event stands, and the settings of its game. One that cannot be read counts as absent.
CONTESTS = Summary(
    "funpot_contests_by_event",
    f"""
        with readable as (
            select
                id as game_id,
                case
                    when rules_json ->> 'fee_bps' ~ '^([0-9]{{1,4}}([.][0-9]{{1,4}})?|10000([.]0{{1,4}})?)$'
                        then (rules_json ->> 'fee_bps')::numeric
                end as fee_bps,
                case
                    when rules_json ->> 'payout_step' ~ '^[1-9][0-9]{{0,17}}([.]0+)?$'
                        then (rules_json ->> 'payout_step')::numeric
                end as payout_step,
                case
                    when rules_json ->> 'dead_heat' in ('split_pool', 'split_profit') then rules_json ->> 'dead_heat'
                end as dead_heat,
                case
                    when rules_json ->> 'no_winner' in ('house_keeps', 'refund') then rules_json ->> 'no_winner'
                end as no_winner
            from raw_funpot.games
        )

        select
            events.id as event_id,
            case
                when state = 'live' then 'open'
                when state = 'cancelled' then 'cancelled'
                when result_json ->> 'result' = 'draw' then 'draw'
                when result_json ->> 'optionId' is not null
                    or jsonb_typeof(result_json -> 'winning_options') = 'array'
                    or jsonb_typeof(result_json -> 'refunded_options') = 'array' then 'result'
                else 'unsettled'
            end as decision,
            fee_bps is not null as is_fee_known,
            coalesce(fee_bps, {_DEFAULT_FEE_BPS}) as fee_bps,
            coalesce(payout_step, 1) as payout_step,
            coalesce(dead_heat, '{_DEFAULT_DEAD_HEAT}') as dead_heat,
            no_winner,
            closes_at,
            updated_at
        from raw_funpot.events
        left join readable using (game_id)
        where in_scope(events.id)
    """,
    STAKED_ON,
)

# What the votes on each option come to. `verdict` is that of the result: winning, refunded or none. Reads CONTESTS and
# ROLLED_BACK.
POOLS = Summary(
    "funpot_pools_by_option",
    """
        with voted as (
            select
                event_id,
                option_id,
                count(*) as votes,
                count(*) filter (where cost_int > 0) as paid_votes,
                sum(cost_int) as gross,
                sum(cost_int - div(cost_int * fee_bps, 10000)) as net
            from raw_funpot.votes
            inner join funpot_contests_by_event using (event_id)
            where in_scope(votes.event_id)
                and not exists (select from funpot_rolled_back_by_vote where vote_id = votes.id)
            group by event_id, option_id
        ),

        declared as (
            select id as event_id, result_json ->> 'optionId' as option_id, false as is_refunded
            from raw_funpot.events
            where state = 'closed' and in_scope(events.id)
            union all
            select events.id, coalesce(option ->> 'id', option #>> '{}'), lists.name = 'refunded_options'
            from raw_funpot.events
            cross join (values ('winning_options'), ('refunded_options')) as lists (name)
            cross join lateral jsonb_array_elements(
                case when jsonb_typeof(result_json -> lists.name) = 'array' then result_json -> lists.name else '[]' end
            ) as option
            where state = 'closed' and in_scope(events.id)
        ),

        verdicts as (
            select event_id, option_id, case when bool_or(is_refunded) then 'refunded' else 'winning' end as verdict
            from declared
            where option_id is not null
            group by event_id, option_id
        )

        select voted.*, coalesce(verdict, 'none') as verdict
        from voted
        left join verdicts using (event_id, option_id)
    """,
    STAKED_ON,
)

# Who is due something of a pool, and how much by the settings of the game: a user's winning votes on one event
# together, because a reward may not say which of them it is for. A stake is due `pot` times its part of `parts`; where
# the fee is more than the losers staked there is no profit to split. Reads CONTESTS, ROLLED_BACK and POOLS.
WINNERS = Summary(
    "funpot_winners_by_voter",
    """
        with backed as (
            select
                event_id, option_id, verdict, paid_votes, gross,
                gross * count(*) filter (where verdict = 'winning' and paid_votes > 0) over one_event as parts,
                sum(net) filter (where verdict <> 'refunded') over one_event as distributable,
                sum(gross) filter (where verdict = 'winning') over one_event as winning_stakes
            from funpot_pools_by_option
            window one_event as (partition by event_id)
        ),

        shares as (
            select
                event_id, option_id, payout_step,
                case
                    when dead_heat = 'split_profit' and distributable >= winning_stakes
                        then parts + distributable - winning_stakes
                    else distributable
                end as pot,
                case
                    when dead_heat = 'split_profit' and distributable < winning_stakes then winning_stakes
                    else parts
                end as parts
            from backed
            inner join funpot_contests_by_event using (event_id)
            where decision = 'result' and verdict = 'winning' and paid_votes > 0
        )

        select
            event_id,
            user_id,
            count(*) as winning_votes,
            sum(cost_int) as staked,
            case when min(option_id) = max(option_id) then min(option_id) end as only_option_id,
            sum(div(pot * cost_int, nullif(parts, 0) * payout_step) * payout_step) as due
        from raw_funpot.votes
        inner join shares using (event_id, option_id)
        where cost_int > 0 and in_scope(votes.event_id)
            and not exists (select from funpot_rolled_back_by_vote where vote_id = votes.id)
        group by event_id, user_id
    """,
    STAKED_ON,
)

# What went back to wallets, rewards and stakes given back, and the event it is for: the one that the posting names, or
# that of the vote it names. What was taken back of a reward counts against it.
RETURNS = Summary(
    "funpot_returns_by_posting",
    f"""
        with returns as materialized (
            select id, user_id, ref_id, idempotency_key, created_at,
                {MOVEMENT} as movement, {SIGNED_AMOUNT} as amount, {REFERENCE} as reference
            from raw_funpot.wallet_ledger
            where {IN_POINTS} and (
                reason in ('reward', 'event_win', 'event_draw_refund')
                or (reason in ('vote_cost', 'event_vote') and type = 'credit')
            )
        ),

        placed as (
            select
                returns.*,
                coalesce(votes.event_id, events.id) as event_id,
                coalesce(votes.event_id, reference, returns.id) as contest_id
            from returns
            left join raw_funpot.votes on returns.reference = votes.id
            left join raw_funpot.events on returns.reference = events.id
            where movement <> 'rolled_back'
        )

        select id, user_id, ref_id, idempotency_key, created_at, movement, amount, event_id
        from placed
        where in_scope(placed.contest_id)
    """,
    STAKED_ON,
)

# What the ledger says about the events that have a result and were settled so long ago that all of it was delivered.
SETTLED = """settled as (
    select funpot_contests_by_event.*
    from funpot_contests_by_event
    cross join newest
    where decision = 'result' and greatest(closes_at, updated_at) < delivered_until - interval '24 hours'
)"""


KNOWN_FEE = "rules_json ->> 'fee_bps' is not null"
UNKNOWN_FEE = "rules_json ->> 'fee_bps' is null"


def a_reward(of: str = "true") -> str:
    """The condition on one posting: a reward of an event and a game that are as told."""
    return f"""
        id = (
            select wallet_ledger.id
            from raw_funpot.wallet_ledger
            inner join raw_funpot.events on events.id::text = wallet_ledger.ref_id
            left join raw_funpot.games on events.game_id = games.id
            where reason = 'reward' and {of}
            order by wallet_ledger.id limit 1
        )
    """


RULES = (
    # Every payout is rounded down to the step of the game, so less than a step for each winning vote may be left over.
    # Where the fee is not known, only what no fee can explain is told: more paid than staked, or nobody paid at all.
    Rule(
        id="A-10",
        system="funpot",
        title="An event pays out its pool less the fee, but for what rounding leaves over.",
        severity="error",
        unit="INT",
        tables=("events", "votes", "wallet_ledger"),
        reads=(CONTESTS, ROLLED_BACK, POOLS, RETURNS),
        scope=STAKED_ON,
        query=f"""
            with {NEWEST},

            {SETTLED},

            pools as (
                select
                    event_id,
                    coalesce(sum(gross) filter (where verdict <> 'refunded'), 0) as contributed,
                    coalesce(sum(net) filter (where verdict <> 'refunded'), 0) as distributable,
                    coalesce(sum(paid_votes) filter (where verdict = 'winning'), 0) as winning_votes
                from funpot_pools_by_option
                group by event_id
            ),

            paid as (
                select event_id, sum(amount) as rewarded, max(created_at) as last_rewarded_at
                from funpot_returns_by_posting
                where movement = 'rewarded'
                group by event_id
            ),

            compared as (
                select
                    settled.*, contributed, distributable, winning_votes,
                    coalesce(rewarded, 0) as rewarded,
                    last_rewarded_at,
                    case when is_fee_known then distributable else contributed end as most,
                    case
                        when winning_votes = 0 then 0
                        when is_fee_known then distributable - winning_votes * payout_step + 1
                        when contributed >= winning_votes * payout_step then 1
                        else 0
                    end as least
                from settled
                inner join pools using (event_id)
                left join paid using (event_id)
            )

            select
                event_id::text as subject,
                case when rewarded > most then rewarded - most else rewarded - least end as amount,
                jsonb_build_object(
                    'contributed', contributed, 'fee_bps', case when is_fee_known then fee_bps end,
                    'distributable', case when is_fee_known then distributable end,
                    'winning_votes', winning_votes, 'rewarded', rewarded
                ) as evidence,
                coalesce(last_rewarded_at, updated_at) as happened_at
            from compared
            where rewarded not between least and most
        """,
        mutations=(
            Mutation(
                name="a reward is more than the whole pool",
                sql=f"update raw_funpot.wallet_ledger set amount_int = 1000000 where {a_reward(UNKNOWN_FEE)}",
            ),
            Mutation(
                name="a reward of a pool with a known fee is missing",
                sql=f"delete from raw_funpot.wallet_ledger where {a_reward(KNOWN_FEE)}",
            ),
            Mutation(
                name="nobody is paid by an event whose fee is not known",
                sql=f"""
                    delete from raw_funpot.wallet_ledger where reason = 'reward' and ref_id = (
                        select ref_id from raw_funpot.wallet_ledger
                        where {a_reward(UNKNOWN_FEE)}
                    )
                """,
            ),
            Mutation(
                name="the fee of a game is raised above what its pools withheld",
                sql=update_one(
                    "games",
                    "rules_json = jsonb_set(rules_json, '{fee_bps}', to_jsonb((rules_json ->> 'fee_bps')::int + 200))",
                    "rules_json ? 'fee_bps' and exists (select from raw_funpot.events where game_id = games.id)",
                ),
            ),
        ),
    ),
)
