"""Hermes built piece by piece: picks before their market, locks and decisions that move, late attributes, new arms."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import pytest

from tests.dbt.builds import Builds

NAMES = UUID(int=1)
LOCK = "2026-06-02T12:00:00Z"
Row = dict[str, Any]


def key(name: str) -> str:
    """A UUID that is the same wherever the name is the same."""
    return str(uuid5(NAMES, name))


@pytest.fixture
def deliver(builds: Builds, tmp_path: Path) -> Callable[..., None]:
    """Delivers rows of some tables and builds what they touch."""
    return partial(builds.deliver_and_build, tmp_path, "hermes")


def market(name: str, status: str, clip: str = "clip", lock_at: str | None = None) -> Row:
    return {"id": key(name), "event_id": key(clip), "question_key": "q", "status": status, "lock_at": lock_at}


def clip(name: str, lock_at: str) -> Row:
    return {"id": key(name), "title_en": name, "status": "settled", "lock_at": lock_at}


def outcomes(of: str) -> list[Row]:
    return [{"id": key(f"{of} {code}"), "market_id": key(of), "outcome_code": code} for code in ("YES", "NO")]


def version(of: str, number: int, created_at: str) -> Row:
    return {"id": key(f"{of} v{number}"), "market_id": key(of), "version_no": number, "created_at": created_at}


def price(of: str, number: int, code: str, odds: str) -> Row:
    return {
        "id": key(f"{of} v{number} {code}"),
        "odds_version_id": key(f"{of} v{number}"),
        "outcome_id": key(f"{of} {code}"),
        "decimal_odds": odds,
    }


def pick(name: str, by: str, of: str, code: str, number: int, at: str = "2026-06-02T10:00:00Z") -> Row:
    return {
        "id": key(name),
        "user_id": key(by),
        "session_id": key(f"session of {by}"),
        "market_id": key(of),
        "outcome_id": key(f"{of} {code}"),
        "idempotency_key": f"{by} on {of}",
        "server_received_at": at,
        "accepted": True,
        "acceptance_code": "accepted",
        "accepted_odds_version_id": key(f"{of} v{number}"),
    }


def decision(name: str, of: str, code: str, at: str) -> Row:
    return {"id": key(name), "market_id": key(of), "winning_outcome_id": key(f"{of} {code}"), "settled_at": at}


def session(of: str, variant: str, **changes: Any) -> Row:
    started = {"started_at": "2026-06-02T09:00:00Z"}
    return {"id": key(f"session of {of}"), "user_id": key(of), "experiment_variant": variant} | started | changes


def telemetry(name: str, by: str, at: str) -> Row:
    of = {"analytics_event_type_id": key("type"), "session_id": key(f"session of {by}"), "user_id": key(by)}
    return {"id": key(name), "occurred_at": at} | of


def attribute(of: str, name: str, value: str) -> Row:
    return {
        "id": key(f"{name} of {of}"),
        "analytics_event_id": key(of),
        "attribute_key": name,
        "attribute_value": value,
    }


def first_delivery(deliver: Callable[..., None]) -> None:
    """One market is decided; of another only a pick is there, and of an event only an attribute."""
    deliver(
        "2026-06-03",
        users=[{"id": key(name), "created_at": "2026-05-01T00:00:00Z"} for name in ("ann", "ben")],
        sessions=[session("ann", "control")],
        events=[clip("clip", LOCK)],
        markets=[market("decided", "settled"), market("other", "locked"), market("open", "open", clip="late clip")],
        outcomes=[*outcomes("decided"), *outcomes("other")],
        odds_versions=[
            version("decided", 1, "2026-06-02T08:00:00Z"),
            version("decided", 2, "2026-06-02T11:00:00Z"),
            version("other", 1, "2026-06-02T08:00:00Z"),
        ],
        outcome_odds=[price("decided", 1, "YES", "2.5"), price("decided", 2, "YES", "2"), price("other", 1, "NO", "3")],
        bet_intents=[
            pick("ann on decided", "ann", "decided", "YES", 1),
            pick("ben on decided", "ben", "decided", "NO", 1),
            pick("ben on other", "ben", "other", "NO", 1),
            pick("ben on late", "ben", "late", "YES", 1),
            pick("ben on open", "ben", "open", "YES", 1),
        ],
        settlements=[decision("first", "decided", "YES", "2026-06-02T13:00:00Z")],
        analytics_event_types=[{"id": key("type"), "event_name": "outcome_selected"}],
        analytics_events=[telemetry("seen", "ann", "2026-06-02T10:00:00Z")],
        analytics_event_attributes=[attribute("late event", "market_id", key("other"))],
    )


def second_delivery(deliver: Callable[..., None]) -> None:
    """What was missing comes late, but for a price, and a retry turns out to be the first submission."""
    deliver(
        "2026-06-04",
        markets=[market("late", "settled", lock_at="2026-06-03T12:00:00Z")],
        outcomes=[*outcomes("late"), *outcomes("open")],
        odds_versions=[version("late", 1, "2026-06-02T08:00:00Z")],
        bet_intents=[pick("ann on decided before", "ann", "decided", "YES", 1, "2026-06-02T09:30:00Z")],
        settlements=[decision("of late", "late", "YES", "2026-06-03T13:00:00Z")],
        sessions=[session("ben", "modern")],
        analytics_events=[telemetry("late event", "ben", "2026-06-02T11:00:00Z")],
        analytics_event_attributes=[attribute("seen", "market_id", key("decided"))],
    )


def third_delivery(deliver: Callable[..., None]) -> None:
    """A decision is found to be of the other market, a session to be of the other arm; the price has come."""
    deliver(
        "2026-06-05",
        outcome_odds=[price("late", 1, "YES", "4")],
        settlements=[decision("first", "other", "NO", "2026-06-04T13:00:00Z")],
        sessions=[session("ann", "modern", ended_at="2026-06-02T11:00:00Z")],
    )


def fourth_delivery(deliver: Callable[..., None]) -> None:
    """A clip is found to have locked a day later."""
    deliver("2026-06-06", events=[clip("clip", "2026-06-03T12:00:00Z")])


def fifth_delivery(deliver: Callable[..., None]) -> None:
    """Prices are found to be of another market, and so is the outcome that won."""
    deliver(
        "2026-06-07",
        odds_versions=[version("other", 1, "2026-06-01T08:00:00Z") | {"market_id": key("late")}],
        outcomes=[{"id": key("late YES"), "market_id": key("decided"), "outcome_code": "LATE"}],
    )


def picks(builds: Builds) -> dict[str, tuple[Any, ...]]:
    rows = builds.fetch("select vote_id, accepted, odds::float, payout::float, option_label from marts.fct_votes")
    return {vote: tuple(rest) for vote, *rest in rows}


def statuses(builds: Builds) -> dict[str, str]:
    return dict(builds.fetch("select contest_id, status from marts.settlements"))


def days(builds: Builds, board: str) -> set[tuple[str, str]]:
    """The days on which a participant's score on a board moves."""
    query = "select entity_id, day::text from marts.leaderboard_scores_daily where board = "
    return set(builds.fetch(f"{query}'predictor_{board}'"))


def profit(builds: Builds) -> dict[str, float]:
    return dict(
        builds.fetch("""
            select entity_id, score::float from marts.leaderboards
            where board = 'predictor_profit' and period = 'lifetime'
        """)
    )


def arms(builds: Builds) -> dict[str, str | None]:
    return dict(builds.fetch("select event_id, payload ->> 'experiment_variant' from marts.fct_events"))


def test_builds_follow_late_corrected_and_decided_rows(builds: Builds, deliver: Callable[..., None]) -> None:
    first_delivery(deliver)
    assert picks(builds)[key("ann on decided")] == (True, 2.5, 2.5, "YES")
    assert picks(builds)[key("ben on late")] == picks(builds)[key("ben on open")] == (True, None, None, None)
    assert days(builds, "profit") == {(key("ann"), "2026-06-02"), (key("ben"), "2026-06-02")}
    assert profit(builds) == {key("ann"): 1.5, key("ben"): -1}

    second_delivery(deliver)
    assert "hermes" not in builds.whole_systems()
    assert picks(builds)[key("ann on decided")] == (False, 2.5, None, "YES")
    assert picks(builds)[key("ben on late")] == (True, None, None, "YES")
    assert picks(builds)[key("ben on open")] == (True, None, None, "YES")
    assert profit(builds) == {key("ann"): 1.5, key("ben"): -1}
    assert arms(builds) == {key("seen"): "control", key("late event"): "modern"}
    subjects = dict(builds.fetch("select event_id, subject_id from marts.fct_events"))
    assert subjects == {key("seen"): key("decided"), key("late event"): key("other")}

    third_delivery(deliver)
    assert "hermes" not in builds.whole_systems()
    assert {name: statuses(builds)[key(name)] for name in ("decided", "other", "late")} == {
        "decided": "unsettled",
        "other": "settled",
        "late": "settled",
    }
    assert picks(builds)[key("ben on late")] == (True, 4.0, 4.0, "YES")
    assert days(builds, "profit") == {(key("ben"), "2026-06-03"), (key("ben"), "2026-06-04")}
    assert profit(builds) == {key("ann"): 0, key("ben"): 5}
    assert days(builds, "closing_line_value") == {
        (key("ann"), "2026-06-02"),
        (key("ben"), "2026-06-02"),
        (key("ben"), "2026-06-03"),
    }
    assert arms(builds)[key("seen")] == "modern"

    fourth_delivery(deliver)
    assert "hermes" not in builds.whole_systems()
    assert days(builds, "closing_line_value") == {(key("ben"), "2026-06-03"), (key("ann"), "2026-06-03")}

    fifth_delivery(deliver)
    assert "hermes" not in builds.whole_systems()
    assert statuses(builds)[key("late")] == "unsettled"
    assert picks(builds)[key("ben on late")] == (True, 4.0, None, "LATE")

    piece_by_piece = builds.checksums()
    builds.build_whole()
    assert piece_by_piece == builds.checksums()


def test_a_pick_touches_its_own_market_alone(builds: Builds, deliver: Callable[..., None]) -> None:
    first_delivery(deliver)
    deliver("2026-06-04", bet_intents=[pick("ann on other", "ann", "other", "NO", 1)])

    assert "hermes" not in builds.whole_systems()
    assert builds.fetch("select contest_id from building.touched_hermes__contests") == [(key("other"),)]
    assert builds.fetch("select event_id from building.touched_hermes__events") == []
