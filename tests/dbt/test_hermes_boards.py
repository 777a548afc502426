"""Hermes' boards as of an instant: the dated points add up to what a recount of the raw rows up to then gives."""

import json
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ingest.contract import System
from ingest.landing import find_files
from ingest.sample import write_sample
from tests.dbt.builds import Builds

TEN_PLACES = Decimal("1e-10")
Score = tuple[Decimal, int]  # points and weight
Scores = dict[tuple[str, str], Score]  # by board and participant


@dataclass(frozen=True)
class Study:
    """The raw rows that scores come from; nothing here reads a model."""

    markets: dict[str, dict[str, Any]]
    decisions: list[dict[str, Any]]
    picks: list[dict[str, Any]]
    versions: list[dict[str, Any]]
    odds: dict[tuple[str, str], Decimal]

    def scores(self, at: datetime) -> Scores:
        """Every score that is not zero of everything up to an instant, counted pick by pick."""
        in_force = {row["market_id"]: row["winning_outcome_id"] for row in self.decisions if row["settled_at"] <= at}
        scores: dict[tuple[str, str], list[Any]] = defaultdict(lambda: [Decimal(0), 0])
        for pick in self.picks:
            market, user = self.markets[pick["market_id"]], pick["user_id"]
            if market["status"] == "void":
                continue
            taken = self.odds[pick["accepted_odds_version_id"], pick["outcome_id"]]
            winner = in_force.get(pick["market_id"])
            if winner:
                has_won = winner == pick["outcome_id"]
                scores["predictor_profit", user][0] += taken - 1 if has_won else -1
                scores["predictor_hit_rate", user][0] += has_won
                scores["predictor_hit_rate", user][1] += 1
            if market["status"] != "open" and market["lock_at"] <= at:
                last = self.closing_odds(pick, market["lock_at"])
                value = (taken / last).quantize(TEN_PLACES, ROUND_HALF_UP) - 1
                scores["predictor_closing_line_value", user][0] += value
                scores["predictor_closing_line_value", user][1] += 1
        return {key: (points, weight) for key, (points, weight) in scores.items() if points or weight}

    def closing_odds(self, pick: dict[str, Any], lock_at: datetime) -> Decimal:
        before = [v for v in self.versions if v["market_id"] == pick["market_id"] and v["created_at"] < lock_at]
        return self.odds[max(before, key=lambda version: version["version_no"])["id"], pick["outcome_id"]]


def rows(connection: psycopg.Connection, query: str) -> list[dict[str, Any]]:
    found = connection.execute(query)  # type: ignore[arg-type]
    names = [column.name for column in found.description or ()]
    return [
        {name: str(value) if name.endswith("id") else value for name, value in zip(names, row, strict=True)}
        for row in found.fetchall()
    ]


def read_study(connection: psycopg.Connection) -> Study:
    keys: set[tuple[str, ...]] = set()
    picks = []
    for pick in rows(connection, "select * from raw_hermes.bet_intents order by server_received_at, id"):
        key = (pick["user_id"], pick["market_id"], pick["idempotency_key"])
        if pick["accepted"] and key not in keys:
            picks.append(pick)
        keys.add(key)
    return Study(
        {market["id"]: market for market in rows(connection, "select * from raw_hermes.markets")},
        rows(connection, "select * from raw_hermes.settlements order by settled_at, id"),
        picks,
        rows(connection, "select * from raw_hermes.odds_versions"),
        {
            (price["odds_version_id"], price["outcome_id"]): price["decimal_odds"]
            for price in rows(connection, "select * from raw_hermes.outcome_odds")
        },
    )


@pytest.fixture
def study(builds: Builds, connection: psycopg.Connection, systems: tuple[System, ...], tmp_path: Path) -> Study:
    """Twelve days of the sample in a fresh warehouse, with the points of the boards built."""
    write_sample(tmp_path / "landing", systems, days=12)
    builds.deliver(find_files(tmp_path / "landing", systems, system="hermes"))
    assert builds.dbt("run", "--select", "+int_hermes__board_points").success
    return read_study(connection)


def test_a_board_as_of_any_instant_is_a_recount_of_what_had_happened(
    connection: psycopg.Connection, study: Study
) -> None:
    times_decided = Counter(row["market_id"] for row in study.decisions)
    decided = [row["settled_at"] for row in study.decisions if times_decided[row["market_id"]] > 1]
    assert decided
    first = min(row["settled_at"] for row in study.decisions)
    instants = [first + timedelta(days=day) for day in range(-1, 13)]
    instants += [at + timedelta(microseconds=step) for at in decided for step in (-1, 0)]

    for at in instants:
        points = connection.execute(
            "select board, entity_id, sum(points), coalesce(sum(weight), 0)::int"
            " from intermediate.int_hermes__board_points where happened_at <= %s group by 1, 2",
            [at],
        ).fetchall()
        assert {(b, e): (p, w) for b, e, p, w in points if p or w} == study.scores(at), at
    assert study.scores(instants[-1]) != {}


def test_everybody_is_on_every_board_from_the_start(connection: psycopg.Connection, study: Study) -> None:
    on_boards = connection.execute(
        "select board, count(distinct entity_id) from intermediate.int_hermes__board_points"
        " where cause_kind = 'entity' group by 1"
    ).fetchall()
    (participants,) = connection.execute("select count(*) from raw_hermes.users").fetchone() or (0,)

    assert {count for _, count in on_boards} == {participants}
    assert len(on_boards) == 3


def key(number: int) -> str:
    return f"00000000-0000-0000-0000-{number:012d}"


CLIP, MARKET, YES, NO, PRICE, LAST_PRICE, SESSION = (key(number) for number in range(1, 8))
# Picked on the first day, locked on the second, decided on the third and otherwise on the fourth.
ON_TIME: dict[str, list[dict[str, Any]]] = {
    "users": [{"id": key(number)} for number in (11, 12)],
    "sessions": [{"id": SESSION, "user_id": key(11), "started_at": "2026-05-01T09:00:00Z"}],
    "events": [{"id": CLIP, "title_en": "Final", "status": "settled"}],
    "markets": [{"id": MARKET, "event_id": CLIP, "status": "settled", "lock_at": "2026-05-02T10:00:00Z"}],
    "outcomes": [{"id": YES, "market_id": MARKET}, {"id": NO, "market_id": MARKET}],
    "odds_versions": [
        {"id": PRICE, "market_id": MARKET, "version_no": 1, "created_at": "2026-05-01T08:00:00Z"},
        {"id": LAST_PRICE, "market_id": MARKET, "version_no": 2, "created_at": "2026-05-02T08:00:00Z"},
    ],
    "outcome_odds": [{"id": key(21), "odds_version_id": PRICE, "outcome_id": YES, "decimal_odds": "2.5"}],
    "settlements": [
        {"id": key(31), "market_id": MARKET, "settled_at": "2026-05-03T10:00:00Z", "winning_outcome_id": YES},
        {"id": key(32), "market_id": MARKET, "settled_at": "2026-05-04T10:00:00Z", "winning_outcome_id": NO},
    ],
    "bet_intents": [
        {"id": key(41), "user_id": key(11), "market_id": MARKET, "outcome_id": YES, "accepted": True}
        | {"server_received_at": "2026-05-01T10:00:00Z", "accepted_odds_version_id": PRICE}
    ],
}
LATE_PICK = ON_TIME["bet_intents"][0] | {"id": key(42), "user_id": key(12)}
LATE_PRICE = {"id": key(22), "odds_version_id": LAST_PRICE, "outcome_id": YES, "decimal_odds": "2"}


@pytest.mark.parametrize(("table", "late"), [("bet_intents", LATE_PICK), ("outcome_odds", LATE_PRICE)])
def test_what_comes_late_scores_on_the_days_its_market_locked_and_was_decided(
    builds: Builds, systems: tuple[System, ...], tmp_path: Path, table: str, late: dict[str, Any]
) -> None:
    for day, rows_by_table in (("2026-05-04", ON_TIME), ("2026-05-05", {table: [late]})):
        for name, lines in rows_by_table.items():
            file = tmp_path / f"hermes/{name}/date={day}/rows.ndjson"
            file.parent.mkdir(parents=True)
            file.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
        builds.deliver(file for file in find_files(tmp_path, systems) if str(file.delivered_on) == day)
        builds.build()
    piece_by_piece = builds.checksums()
    assert "hermes" not in builds.whole_systems()
    assert builds.rows_of("leaderboard_scores_daily") != []
    builds.build_whole()

    assert piece_by_piece == builds.checksums()
