"""What must hold of the picks of Hermes: B-01 to B-04, and by which keys rules of Hermes are asked.

The prices have their own module, `hermes_prices`; so have decisions (`hermes_decisions`), the arms and sessions of
the study (`hermes_study`), its telemetry (`hermes_telemetry`), and what clips and markets show (`hermes_clips`).
"""

from expectations.rule import Mutation, Rule, Scope

# Which side of the lock its very instant is on: the default of the dbt var h001_lock_boundary. `>` for `open`.
LATE_FROM = ">="


def _of_market(column: str) -> str:
    """A column of the market that a row names by its own market_id."""
    return f"(select markets.{column} from raw_hermes.markets where markets.id = market_id)"  # noqa: S608 - no input


# A session touches the markets that were picked in it; entries of the audit log can only mend.
MARKETS = Scope(
    "hermes_market",
    {
        "markets": "id",
        "outcomes": "market_id",
        "odds_versions": "market_id",
        "outcome_odds": "(select odds_versions.market_id from raw_hermes.odds_versions"
        " where odds_versions.id = odds_version_id)",
        "bet_intents": "market_id",
        "settlements": "market_id",
        "sessions": "unnest(array("
        "select bet_intents.market_id from raw_hermes.bet_intents where bet_intents.session_id = sessions.id))",
        "audit_logs": "null::uuid",
    },
)
# A clip's lock is that of all its markets which have none.
CLIPS = Scope(
    "hermes_clip",
    {
        "events": "id",
        "event_media": "event_id",
        "markets": "event_id",
        "outcomes": _of_market("event_id"),
        "bet_intents": _of_market("event_id"),
        "settlements": _of_market("event_id"),
    },
)


def words(of: tuple[str, ...]) -> str:
    """Words as a list in SQL."""
    return ", ".join(f"'{word}'" for word in of)


def change_one(table: str, change: str, where: str = "true") -> str:
    """A mutation of one row: the first by id of a table that meets `where`."""
    first = f"select id from raw_hermes.{table} where {where} order by id limit 1"  # noqa: S608 - no outside input
    return f"update raw_hermes.{table} set {change} where id = ({first})"  # noqa: S608


def remove_one(table: str, where: str = "true") -> str:
    """A mutation that deletes one row: the first by id of a table that meets `where`."""
    first = f"select id from raw_hermes.{table} where {where} order by id limit 1"  # noqa: S608 - no outside input
    return f"delete from raw_hermes.{table} where id = ({first})"  # noqa: S608


def repeats(intent: str) -> str:
    """The condition that a pick is the retry of one that was accepted before: it gets the same answer, however late."""
    return f"""exists (
                select from raw_hermes.bet_intents as earlier
                where earlier.idempotency_key = {intent}.idempotency_key
                and earlier.user_id = {intent}.user_id and earlier.market_id = {intent}.market_id
                and earlier.accepted and earlier.server_received_at < {intent}.server_received_at
            )"""


def _accept(where: str) -> str:
    """A mutation that accepts the first such pick at the newest prices it could have had."""
    return change_one(
        "bet_intents",
        "accepted = true, accepted_odds_version_id = (select odds_versions.id from raw_hermes.odds_versions"
        " where odds_versions.market_id = bet_intents.market_id"
        " and odds_versions.created_at <= bet_intents.server_received_at"
        " order by odds_versions.version_no desc limit 1)",
        where,
    )


def _other(table: str, differs_by: str, column: str = "id") -> str:
    """A column of the first row of a table that has another `differs_by` than the pick that is changed."""
    return (
        f"(select {column} from raw_hermes.{table} as other"  # noqa: S608 - no outside input
        f" where other.{differs_by} <> bet_intents.{differs_by} order by id limit 1)"
    )


def version_for_pick(of_market: str, order: str = "id") -> str:
    """The first version of prices whose market meets the condition, for a pick that is changed."""
    return (
        f"(select id from raw_hermes.odds_versions as versions"  # noqa: S608 - no outside input
        f" where versions.market_id {of_market} bet_intents.market_id order by {order} limit 1)"
    )


_RETRY = (
    "accepted and exists (select from raw_hermes.bet_intents as earlier"
    " where earlier.idempotency_key = bet_intents.idempotency_key"
    " and earlier.server_received_at < bet_intents.server_received_at)"
)
_PICKED_IN_TIME = "id = (select min(market_id::text)::uuid from raw_hermes.bet_intents where accepted)"

RULES = (
    Rule(
        id="B-01",
        system="hermes",
        title="A pick has prices exactly if it was accepted, and they are of its market.",
        severity="error",
        unit=None,
        tables=("bet_intents", "odds_versions"),
        query="""
            select bet_intents.id::text as subject, null::numeric as amount,
                jsonb_build_object(
                    'accepted', accepted, 'acceptance_code', acceptance_code, 'market_id', bet_intents.market_id,
                    'accepted_odds_version_id', accepted_odds_version_id,
                    'market_of_version', odds_versions.market_id
                ) as evidence,
                server_received_at as happened_at
            from raw_hermes.bet_intents
            left join raw_hermes.odds_versions on odds_versions.id = accepted_odds_version_id
            where in_scope(bet_intents.market_id)
            and case
                when accepted then odds_versions.market_id is distinct from bet_intents.market_id
                else accepted_odds_version_id is not null
            end
        """,
        mutations=(
            Mutation(
                "an accepted pick has lost its prices",
                change_one("bet_intents", "accepted_odds_version_id = null", "accepted"),
            ),
            Mutation(
                "a pick is accepted at the prices of another market",
                change_one("bet_intents", f"accepted_odds_version_id = {version_for_pick('<>')}", "accepted"),
            ),
            Mutation(
                "a rejected pick has prices",
                change_one("bet_intents", f"accepted_odds_version_id = {version_for_pick('=')}", "not accepted"),
            ),
        ),
        scope=MARKETS,
    ),
    # Where neither the market nor its clip says when picks close, none is late.
    Rule(
        id="B-02",
        system="hermes",
        title="An accepted pick reached the server before its market locked.",
        severity="error",
        unit="picks",
        tables=("bet_intents", "markets", "events"),
        query=f"""
            select bet_intents.id::text as subject, 1::numeric as amount,
                jsonb_build_object(
                    'market_id', markets.id, 'server_received_at', server_received_at,
                    'lock_at', coalesce(markets.lock_at, events.lock_at)
                ) as evidence,
                server_received_at as happened_at
            from raw_hermes.bet_intents
            inner join raw_hermes.markets on markets.id = bet_intents.market_id
            left join raw_hermes.events on events.id = markets.event_id
            where accepted and in_scope(markets.event_id)
            and server_received_at {LATE_FROM} coalesce(markets.lock_at, events.lock_at)
            and not {repeats("bet_intents")}
        """,  # noqa: S608 - no outside input
        mutations=(
            Mutation(
                "an accepted pick arrives at the very instant of the lock",
                change_one("bet_intents", f"server_received_at = {_of_market('lock_at')}", "accepted"),
            ),
            Mutation("a late pick is accepted", _accept("acceptance_code = 'rejected_locked'")),
            Mutation(
                "a market locks before its picks",
                change_one("markets", "lock_at = lock_at - interval '1 day'", _PICKED_IN_TIME),
            ),
            Mutation(
                "a clip locks before the picks of its market, which has no lock of its own",
                f"""
                with unlocked as ({change_one("markets", "lock_at = null", _PICKED_IN_TIME)} returning event_id)
                update raw_hermes.events set lock_at = lock_at - interval '1 day'
                where id = (select event_id from unlocked)
                """,  # noqa: S608 - no outside input
            ),
        ),
        scope=CLIPS,
    ),
    # A key that comes back in another market is another pick, and a submission without a key stands for itself.
    # Only who submitted twice in a market is looked at twice.
    Rule(
        id="B-03",
        system="hermes",
        title="A participant has at most one accepted pick in a market, and retries get the same verdict.",
        severity="error",
        unit="picks",
        tables=("bet_intents",),
        query="""
            with repeated as (
                select user_id, market_id
                from raw_hermes.bet_intents
                where in_scope(bet_intents.market_id)
                group by 1, 2
                having count(*) > 1 and bool_or(accepted)
            ),
            picks as (
                select user_id, market_id, coalesce(idempotency_key, id::text) as pick,
                    bool_or(accepted) as is_accepted,
                    bool_or(accepted) and not bool_and(accepted) as is_contradicted,
                    max(server_received_at) as last_received_at
                from raw_hermes.bet_intents
                inner join repeated using (user_id, market_id)
                where in_scope(bet_intents.market_id)
                group by 1, 2, 3
            )
            select user_id || ':' || market_id as subject,
                greatest(count(*) filter (where is_accepted) - 1, count(*) filter (where is_contradicted))::numeric
                    as amount,
                jsonb_build_object(
                    'accepted', count(*) filter (where is_accepted), 'accepted_and_rejected',
                    count(*) filter (where is_contradicted), 'picks', count(*)
                ) as evidence,
                max(last_received_at) as happened_at
            from picks
            group by user_id, market_id
            having count(*) filter (where is_accepted) > 1 or bool_or(is_contradicted)
        """,
        mutations=(
            Mutation("a second pick is accepted too", _accept("acceptance_code = 'rejected_duplicate'")),
            Mutation(
                "a retry is taken for another pick",
                change_one("bet_intents", "idempotency_key = idempotency_key || '2'", _RETRY),
            ),
            Mutation(
                "neither a pick nor its retry has a key",
                f"""
                update raw_hermes.bet_intents set idempotency_key = null
                where idempotency_key = (
                    select idempotency_key from raw_hermes.bet_intents where {_RETRY} order by id limit 1
                )
                """,  # noqa: S608 - no outside input
            ),
            Mutation(
                "a retry of an accepted pick is rejected",
                change_one("bet_intents", "accepted = false, accepted_odds_version_id = null", _RETRY),
            ),
        ),
        scope=MARKETS,
    ),
    # What a pick was rejected for is what does not fit: a code that speaks of the outcome, the market or the session
    # excuses just that. New sessions have it asked of all picks, as no session says which markets were picked in it.
    Rule(
        id="B-04",
        system="hermes",
        title="A pick is of an outcome and the clip of its market, and made in a session of who picked.",
        severity="error",
        unit=None,
        tables=("bet_intents", "markets", "outcomes", "sessions"),
        query="""
            select bet_intents.id::text as subject, null::numeric as amount,
                jsonb_build_object(
                    'acceptance_code', acceptance_code,
                    'market_id', bet_intents.market_id, 'market_of_outcome', outcomes.market_id,
                    'outcome_id', bet_intents.outcome_id,
                    'event_id', bet_intents.event_id, 'event_of_market', markets.event_id,
                    'user_id', bet_intents.user_id, 'user_of_session', sessions.user_id
                ) as evidence,
                server_received_at as happened_at
            from raw_hermes.bet_intents
            left join raw_hermes.markets on markets.id = bet_intents.market_id
            left join raw_hermes.outcomes on outcomes.id = bet_intents.outcome_id
            left join raw_hermes.sessions on sessions.id = bet_intents.session_id
            cross join lateral (select case when accepted then '' else coalesce(acceptance_code, '') end as excuse)
            where in_scope(bet_intents.market_id)
            and (
                outcomes.market_id is distinct from bet_intents.market_id
                and excuse !~* 'outcome|market' and (accepted or bet_intents.outcome_id is not null)
                or bet_intents.event_id <> markets.event_id and excuse !~* 'market'
                or bet_intents.user_id <> sessions.user_id and excuse !~* 'session'
            )
        """,
        mutations=(
            Mutation(
                "a pick is of an outcome of another market",
                change_one("bet_intents", f"outcome_id = {_other('outcomes', 'market_id')}", "accepted"),
            ),
            Mutation("an accepted pick is of no outcome", change_one("bet_intents", "outcome_id = null", "accepted")),
            Mutation(
                "a pick is said to be of another clip",
                change_one("bet_intents", f"event_id = {_other('markets', 'event_id', 'event_id')}", "accepted"),
            ),
            Mutation(
                "a late pick names a session of somebody else",
                change_one(
                    "bet_intents",
                    f"session_id = {_other('sessions', 'user_id')}",
                    "acceptance_code = 'rejected_locked'",
                ),
            ),
        ),
        scope=MARKETS,
    ),
)
