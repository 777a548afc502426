"""What looks wrong in Hermes and is not: rows that every rule must let pass.

Each oddity is put into the clean sample, in a transaction that is rolled back.
"""

import psycopg
import pytest

from expectations.catalogue import rules_of
from tests.expectations.asking import breaks

ACCEPTED = "accepted"
DECIDED_ONCE = "market_id in (select market_id from raw_hermes.settlements group by 1 having count(*) = 1)"
FIRST_DECIDED = f"market_id = (select market_id from raw_hermes.settlements where {DECIDED_ONCE} order by 1 limit 1)"
FIRST_VOID = "(select id from raw_hermes.markets where status = 'void' order by id limit 1)"
LOCK_OF_MARKET = "(select lock_at from raw_hermes.markets where markets.id = market_id)"


def another(table: str, changes: str, where: str = "true") -> str:
    """Write the first row by id that meets `where` again, under a new id and with columns changed as told."""
    return f"""
        insert into raw_hermes.{table}
        select (jsonb_populate_record({table}, jsonb_build_object('id', gen_random_uuid(), {changes}))).*
        from raw_hermes.{table} where {where} order by id limit 1
    """


ODDITIES = {
    # Picks
    "a device's clock is ahead of the server's": (
        "update raw_hermes.bet_intents set client_sent_at = server_received_at + interval '1 hour'",
    ),
    "a retry of an accepted pick arrives after the lock": (
        another("bet_intents", f"'server_received_at', {LOCK_OF_MARKET} + interval '5 seconds'", ACCEPTED),
    ),
    "a retry arrives after the prices have changed": (
        another(
            "bet_intents",
            "'server_received_at', server_received_at + interval '1 minute'",
            """
            accepted and server_received_at + interval '1 minute' > (
                select max(created_at) from raw_hermes.odds_versions
                where odds_versions.market_id = bet_intents.market_id
            ) and accepted_odds_version_id in (select id from raw_hermes.odds_versions where not is_current)
            """,
        ),
    ),
    "a client numbers its picks anew in every market": (
        """
        update raw_hermes.bet_intents set idempotency_key = '1'
        where accepted and user_id = (select min(user_id::text)::uuid from raw_hermes.bet_intents)
        """,
    ),
    "picks have no key": (
        """
        update raw_hermes.bet_intents set idempotency_key = null
        where market_id not in (
            select market_id from raw_hermes.bet_intents group by market_id, user_id having count(*) > 1
        )
        """,
    ),
    "what a pick was rejected for does not fit": (
        """
        update raw_hermes.bet_intents set session_id = (
            select id from raw_hermes.sessions where sessions.user_id <> bet_intents.user_id order by id limit 1
        )
        where acceptance_code = 'rejected_invalid_session'
        """,
        """
        update raw_hermes.bet_intents set acceptance_code = 'MARKET_UNKNOWN', outcome_id = (
            select id from raw_hermes.outcomes where outcomes.market_id <> bet_intents.market_id order by id limit 1
        )
        where acceptance_code = 'rejected_invalid_market'
        """,
    ),
    "a rejected pick has no session, no clip, no outcome and no code": (
        """
        update raw_hermes.bet_intents set session_id = null, event_id = null, outcome_id = null, acceptance_code = null
        where not accepted
        """,
    ),
    "a market takes the lock of its clip": ("update raw_hermes.markets set lock_at = null",),
    "nothing says when picks close": (
        "update raw_hermes.markets set lock_at = null",
        "update raw_hermes.events set lock_at = null",
    ),
    # Prices
    "two versions came out at one instant": (
        """
        update raw_hermes.odds_versions set created_at = first.created_at
        from raw_hermes.odds_versions as first
        where first.market_id = odds_versions.market_id and first.version_no = 1 and odds_versions.version_no = 2
        """,
    ),
    "fair prices are rounded, and have no fraction": (
        """
        update raw_hermes.outcome_odds set fractional_num = null, fractional_den = null,
            decimal_odds = case sort_order when 0 then 2.210342 else 1.826213 end
        from raw_hermes.outcomes
        where outcomes.id = outcome_odds.outcome_id
        and market_id in (select market_id from raw_hermes.outcomes group by 1 having count(*) = 2)
        """,
    ),
    "a market is announced and not priced yet": (
        """
        with announced as (
            insert into raw_hermes.markets
            select (jsonb_populate_record(markets, jsonb_build_object('id', gen_random_uuid(), 'status', 'open'))).*
            from raw_hermes.markets order by id limit 1
            returning *
        )
        insert into raw_hermes.outcomes (id, market_id, label_key, _load_id)
        select gen_random_uuid(), id, 'label.yes', _load_id from announced
        """,
    ),
    # Decisions
    "a decision is superseded twice, and the log names the market": (
        another("settlements", "'settled_at', settled_at + interval '1 hour'", FIRST_DECIDED),
        another(
            "settlements",
            "'settled_at', settled_at + interval '1 hour', 'winning_outcome_id', null",
            "settled_at = (select max(settled_at) from raw_hermes.settlements as other"
            " where other.market_id = settlements.market_id"
            " group by market_id having count(*) = 2) and id not in (select target_id::uuid from raw_hermes.audit_logs"
            " where action_name = 'settlement.recorded')",
        ),
        """
        insert into raw_hermes.audit_logs (id, created_at, action_name, target_type, target_id, _load_id)
        select gen_random_uuid(), settled_at, 'market.settled_again', 'market', market_id, _load_id
        from raw_hermes.settlements
        where id not in (
            select target_id::uuid from raw_hermes.audit_logs where action_name = 'settlement.recorded'
        )
        """,
    ),
    "a settled market is voided by a decision for nobody": (
        """
        with voided as (
            insert into raw_hermes.settlements (id, market_id, settled_at, winning_outcome_id, _load_id)
            select gen_random_uuid(), market_id, settled_at + interval '1 hour', null, _load_id
            from raw_hermes.settlements where market_id = (
                select market_id from raw_hermes.settlements group by 1 having count(*) = 1
                intersect select market_id from raw_hermes.bet_intents where accepted
                order by 1 limit 1
            )
            returning *
        ),
        logged as (
            insert into raw_hermes.audit_logs (id, created_at, action_name, target_id, _load_id)
            select gen_random_uuid(), settled_at, 'settlement.voided', market_id, _load_id from voided
        )
        update raw_hermes.markets set status = 'void' where id in (select market_id from voided)
        """,
    ),
    "a market is withdrawn before it locks": (
        f"""
        insert into raw_hermes.settlements (id, market_id, settled_at, winning_outcome_id, _load_id)
        select gen_random_uuid(), id, lock_at - interval '1 minute', null, _load_id
        from raw_hermes.markets where id = {FIRST_VOID}
        """,
    ),
    "a market is decided at the instant of its lock": (
        f"update raw_hermes.settlements set settled_at = {LOCK_OF_MARKET} where {DECIDED_ONCE}",
    ),
    "a later server has more words for a status": (
        "update raw_hermes.markets set status = 'under_review'",
        "update raw_hermes.events set status = 'replayed'",
    ),
    # Sessions and telemetry
    "a session is in another language than was asked for, and its participant is in no arm": (
        "update raw_hermes.sessions set locale_code = 'sv', experiment_variant = null",
        "delete from raw_hermes.experiment_assignments"
        " where user_id = (select min(user_id::text)::uuid from raw_hermes.sessions)",
    ),
    "the app died, and its session never ended": (
        "update raw_hermes.sessions set ended_at = null",
        """
        update raw_hermes.analytics_events set occurred_at = occurred_at + interval '20 hours'
        where occurred_at < (select max(occurred_at) - interval '2 days' from raw_hermes.analytics_events)
        """,
    ),
    "a device's clock is four minutes off": (
        "update raw_hermes.analytics_events set occurred_at = occurred_at - interval '4 minutes'",
    ),
    "a device lost what it had buffered": (
        """
        delete from raw_hermes.analytics_events where analytics_event_type_id = (
            select id from raw_hermes.analytics_event_types where event_name = 'selection_accepted'
        )
        """,
    ),
    "the answer to a retry is reported too": (
        another(
            "analytics_events",
            "'user_id', user_id",
            """
            analytics_event_type_id = (
                select id from raw_hermes.analytics_event_types where event_name = 'selection_accepted'
            )
            and session_id in (
                select session_id from raw_hermes.bet_intents
                where accepted group by session_id, idempotency_key having count(*) > 1
            )
            """,
        ),
    ),
    "a newer client sends events that nobody knows yet": (
        another("analytics_event_types", "'event_name', 'reaction_sent'"),
        """
        update raw_hermes.analytics_events set analytics_event_type_id = (
            select id from raw_hermes.analytics_event_types where event_name = 'reaction_sent'
        )
        where id = (select min(id::text)::uuid from raw_hermes.analytics_events)
        """,
    ),
    "an attribute is new, empty, or an id in capitals": (
        another("analytics_event_attributes", "'attribute_key', 'mood', 'attribute_value', 'hopeful'"),
        """
        update raw_hermes.analytics_event_attributes set attribute_value = null
        where attribute_key = 'market_id'
        """,
        """
        update raw_hermes.analytics_event_attributes set attribute_value = upper(attribute_value)
        where attribute_key in ('event_id', 'outcome_id')
        """,
    ),
    # Clips
    "a clip and its media do not tell their offsets": (
        "update raw_hermes.events set preview_start_ms = null, reveal_end_ms = null",
        "update raw_hermes.event_media set preview_end_ms = null, duration_ms = null",
    ),
    "a text that nothing shows is not translated": (another("localization_keys", "'key_name', 'question.draft'"),),
}


@pytest.mark.parametrize("statements", ODDITIES.values(), ids=ODDITIES)
def test_an_oddity_breaks_no_rule(sample: psycopg.Connection, statements: tuple[str, ...]) -> None:
    for statement in statements:
        assert sample.execute(statement).rowcount, "the oddity found nothing to change in the sample"
    assert breaks(sample, rules_of("hermes")) == {}
