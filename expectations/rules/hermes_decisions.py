"""What must hold of how markets of Hermes are decided: B-10 to B-12.

Of several decisions of a market the latest is in force, of equal ones that with the highest id. A decision that names
no outcome returns the picks.
"""

from expectations.rule import Mutation, Rule
from expectations.rules.hermes import CLIPS, MARKETS, change_one, remove_one

# A decision and its log entry are stamped one after the other.
LOGGED_WITHIN = "interval '5 seconds'"
_DECIDED_ONCE = "market_id in (select market_id from raw_hermes.settlements group by 1 having count(*) = 1)"


def _decide_again(settled_at: str) -> str:
    """A mutation that writes a further decision of the first market that was decided once."""
    return f"""
        insert into raw_hermes.settlements (id, market_id, settled_at, winning_outcome_id, _load_id)
        select gen_random_uuid(), market_id, {settled_at}, winning_outcome_id, _load_id
        from raw_hermes.settlements
        where id = (select id from raw_hermes.settlements where {_DECIDED_ONCE} order by id limit 1)
    """  # noqa: S608 - no outside input


RULES = (
    # Whoever withdraws a market need not wait for its lock.
    Rule(
        id="B-10",
        system="hermes",
        title="A market is decided for one of its outcomes, not before it locks, and not twice at one instant.",
        severity="error",
        unit=None,
        tables=("settlements", "markets", "events", "outcomes"),
        query="""
            with decisions as (
                select settlements.id, settlements.market_id, settled_at, winning_outcome_id,
                    coalesce(markets.lock_at, events.lock_at) as lock_at,
                    row_number() over (
                        partition by settlements.market_id, settled_at order by settlements.id
                    ) as number_at_once
                from raw_hermes.settlements
                inner join raw_hermes.markets on markets.id = settlements.market_id
                left join raw_hermes.events on events.id = markets.event_id
                where in_scope(markets.event_id)
            )
            select decisions.id::text as subject, null::numeric as amount,
                jsonb_build_object(
                    'market_id', decisions.market_id, 'winning_outcome_id', winning_outcome_id,
                    'market_of_outcome', outcomes.market_id, 'settled_at', settled_at, 'lock_at', lock_at,
                    'number_at_once', number_at_once
                ) as evidence,
                settled_at as happened_at
            from decisions
            left join raw_hermes.outcomes on outcomes.id = winning_outcome_id
            where number_at_once > 1
            or winning_outcome_id is not null
            and (outcomes.market_id is distinct from decisions.market_id or settled_at < lock_at)
        """,
        mutations=(
            Mutation(
                "an outcome of another market wins",
                change_one(
                    "settlements",
                    "winning_outcome_id = (select id from raw_hermes.outcomes"
                    " where outcomes.market_id <> settlements.market_id order by id limit 1)",
                ),
            ),
            Mutation(
                "a market is decided a moment before it locks",
                change_one(
                    "settlements",
                    "settled_at = (select lock_at - interval '1 millisecond' from raw_hermes.markets"
                    " where markets.id = settlements.market_id)",
                    _DECIDED_ONCE,
                ),
            ),
            Mutation("a decision is written twice", _decide_again("settled_at")),
        ),
        scope=CLIPS,
    ),
    # Words for a status that are not known yet say nothing about a decision; without any a market is open.
    Rule(
        id="B-11",
        system="hermes",
        title="A market is settled exactly if a decision is in force, and void only if that names no outcome.",
        severity="error",
        unit=None,
        tables=("markets", "settlements"),
        query="""
            with in_force as (
                select distinct on (market_id) id, market_id, settled_at, winning_outcome_id
                from raw_hermes.settlements
                where in_scope(settlements.market_id)
                order by market_id, settled_at desc, id desc
            )
            select markets.id::text as subject, null::numeric as amount,
                jsonb_build_object(
                    'status', status, 'settlement_id', in_force.id, 'settled_at', settled_at,
                    'winning_outcome_id', winning_outcome_id
                ) as evidence,
                coalesce(settled_at, lock_at) as happened_at
            from raw_hermes.markets
            left join in_force on in_force.market_id = markets.id
            where in_scope(markets.id)
            and case coalesce(status, 'open')
                when 'settled' then in_force.id is null
                when 'void' then winning_outcome_id is not null
                when 'open' then in_force.id is not null
                when 'locked' then in_force.id is not null
            end
        """,
        mutations=(
            Mutation("the decision of a settled market is gone", remove_one("settlements", _DECIDED_ONCE)),
            Mutation(
                "a decided market is still said to be locked",
                change_one("markets", "status = 'locked'", "status = 'settled'"),
            ),
            Mutation(
                "a decided market is void although an outcome won",
                change_one("markets", "status = 'void'", "status = 'settled'"),
            ),
            Mutation("a decided market has no status", change_one("markets", "status = null", "status = 'settled'")),
        ),
        scope=MARKETS,
    ),
    # An entry about the superseded decision, or about its market, counts if it was made with the later decision: what
    # actions are called is the source's business. One entry about a market stands for one decision.
    Rule(
        id="B-12",
        system="hermes",
        title="The audit log has an entry for every decision that a later one superseded.",
        severity="error",
        unit=None,
        tables=("settlements", "audit_logs"),
        query=f"""
            with decisions as (
                select id, market_id, settled_at, winning_outcome_id, lead(id) over later as superseded_by,
                    lead(settled_at) over later as superseded_at
                from raw_hermes.settlements
                where in_scope(settlements.market_id)
                window later as (partition by market_id order by settled_at, id)
            ),
            entries as (select id, target_id, created_at + {LOGGED_WITHIN} as until from raw_hermes.audit_logs),
            unnamed as (
                select *, count(*) over (partition by market_id order by superseded_at desc, id desc) as entries_due
                from decisions
                where superseded_by is not null
                and not exists (select from entries where target_id = decisions.id::text and until >= superseded_at)
            )
            select unnamed.id::text as subject, null::numeric as amount,
                jsonb_build_object(
                    'market_id', market_id, 'settled_at', settled_at, 'winning_outcome_id', winning_outcome_id,
                    'superseded_by', superseded_by, 'superseded_at', superseded_at
                ) as evidence,
                superseded_at as happened_at
            from unnamed
            left join entries on target_id = market_id::text and until >= superseded_at
            group by unnamed.id, market_id, settled_at, winning_outcome_id, superseded_by, superseded_at, entries_due
            having count(entries.id) < entries_due
        """,  # noqa: S608 - no outside input
        mutations=(
            Mutation("a market is decided again without a word", _decide_again("settled_at + interval '1 hour'")),
            Mutation(
                "the entry of a superseded decision is gone",
                remove_one("audit_logs", "action_name = 'settlement.superseded'"),
            ),
            Mutation(
                "a market is decided twice again, and logged once",
                f"""
                    with decided as (
                        select * from raw_hermes.settlements where {_DECIDED_ONCE} order by id limit 1
                    ),
                    logged as (
                        insert into raw_hermes.audit_logs (id, created_at, action_name, target_id, _load_id)
                        select gen_random_uuid(), settled_at + interval '2 hours', 'market.settled_again', market_id,
                            _load_id
                        from decided
                    )
                    insert into raw_hermes.settlements (id, market_id, settled_at, winning_outcome_id, _load_id)
                    select gen_random_uuid(), market_id, settled_at + hours * interval '1 hour', winning_outcome_id,
                        _load_id
                    from decided
                    cross join generate_series(1, 2) as hours
                """,  # noqa: S608 - no outside input
            ),
            Mutation(
                "only the superseded decision itself was logged",
                change_one(
                    "audit_logs",
                    "created_at = created_at - interval '1 minute'",
                    "action_name = 'settlement.superseded'",
                ),
            ),
        ),
        scope=MARKETS,
    ),
)
