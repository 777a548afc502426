"""Public data whose publishers printed the answers: a fresh warehouse must give the same, through its marts."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Warehouse

REAL = Path(__file__).parents[2] / "shared" / "real"


def run_real(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, name: str) -> dict[str, Any]:
    """Load one set into the fresh warehouse by `tally run`; the published answers."""
    folder = REAL / name
    if not folder.is_dir():
        pytest.skip(f"the real data set {name} is not at {folder}")
    monkeypatch.setenv("TALLY_LANDING", str(folder / "landing"))
    code, _, complaints = warehouse.tally("run")
    assert (code, complaints) == (0, "")
    answers: dict[str, Any] = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    return answers


def test_wikipedia_edits_count_as_published(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = run_real(warehouse, monkeypatch, "wikipedia-edits")

    assert warehouse.fetch("select count(*) from marts.fct_events") == [(expected["row_count"],)]
    assert warehouse.fetch(
        "select sum(count) from marts.event_counters where period = 'lifetime' and category_id = '0'"
    ) == [(expected["row_count"],)]
    pages = warehouse.fetch("select payload ->> 'page', count(*) from marts.fct_events group by 1")
    assert sorted(count for _, count in pages)[-10:] == sorted(count for _, count in expected["top_pages_by_edits"])
    assert {tuple(page) for page in expected["top_pages_by_edits"]} <= set(pages)
    hours = warehouse.fetch(
        "select date_part('hour', occurred_at)::int, sum((payload ->> 'deleted')::numeric)::int"
        " from marts.fct_events where occurred_at::date = '2015-09-12' group by 1 order by 1"
    )
    assert [deleted for _, deleted in hours] == expected["deleted_by_hour_2015_09_12"]
    channels = warehouse.fetch(
        "select payload ->> 'channel', sum((payload ->> 'added')::numeric)::int"
        " from marts.fct_events group by 1 order by 2 desc limit 5"
    )
    assert channels == [tuple(channel) for channel in expected["top_channels_by_added"]]


LAST_PRICES = """
    with last_odds as (
        select distinct on (contest_id) contest_id, 1 / odds as price
        from marts.fct_odds
        where option_label = 'YES'
        order by contest_id, version_no desc
    ),
    options as (
        select distinct contest_id, option_id, option_label from marts.fct_votes where system = 'hermes'
    )
    select last_odds.price, options.option_label
    from marts.settlements
    inner join last_odds on settlements.contest_id = last_odds.contest_id
    inner join options
        on settlements.contest_id = options.contest_id and settlements.outcome = options.option_id
    where settlements.system = 'hermes' and settlements.status = 'settled'
"""

SURVEYS = """
    select
        avg(case when option_id = 'yes' then stake else 10000 - stake end) as mean,
        settlements.outcome
    from marts.fct_votes
    inner join marts.settlements using (system, contest_id)
    where system = 'funpot'
    group by contest_id, settlements.outcome
"""


def test_replication_markets_are_called_right_as_published(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = run_real(warehouse, monkeypatch, "replication-markets")

    trades = warehouse.fetch("select count(*) from marts.fct_votes where system = 'hermes' and accepted")
    assert trades == [(expected["facts_of_the_files"]["trades"],)]
    calls = [(price > 0.5, label == "YES") for price, label in warehouse.fetch(LAST_PRICES)]
    assert len(calls) == expected["markets"]
    assert sum(called == outcome for called, outcome in calls) == expected["markets_called_right"] == 75
    assert sum(not called and not outcome for called, outcome in calls) == expected["called_no_and_right"]
    assert sum(not called and outcome for called, outcome in calls) == expected["called_no_and_wrong"]
    votes = warehouse.fetch("select count(*) from marts.fct_votes where system = 'funpot'")
    assert votes == [(expected["facts_of_the_files"]["survey_rows"],)]
    # Forecasters traded as often as they liked, where Hermes has one pick; and each market's last trade is its lock.
    traded_again = warehouse.fetch(
        "select count(*), sum(trades - 1) from (select count(*) as trades from marts.fct_votes"
        " where system = 'hermes' and accepted group by voter_id, contest_id) as traded where trades > 1"
    )
    broken = "select breaking_rows, amount from audit.gate_state where status = 'failed' and rule_id = "
    assert warehouse.fetch(broken + "'B-03'") == traded_again == [(1_421, 3_996)]
    assert warehouse.fetch(broken + "'B-02'") == [(expected["markets"], expected["markets"])]
    failed = warehouse.fetch("select rule_id from audit.gate_state where system = 'hermes' and status = 'failed'")
    assert {rule_id for (rule_id,) in failed} == {"B-02", "B-03"}


def test_eurovision_points_and_places_are_those_published(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = run_real(warehouse, monkeypatch, "eurovision-votes")
    games = dict(warehouse.fetch("select title, id::text from raw_funpot.games"))
    songs_without_a_point = 0
    for year, songs in expected["finals"].items():
        period = f"game:{games[f'{year} final']}"
        board = warehouse.fetch(
            "select entity_id, score::int, rank from marts.leaderboards"
            f" where system = 'funpot' and board = 'option_points' and period = '{period}'"
        )
        points = {song: score for song, score, _ in board}
        assert points == {song: score for song, score, _ in songs}, year
        # Equal points were placed by the contest's own rule, so only other songs' places can be compared.
        scores = [score for _, score, _ in songs]
        places = {song: rank for song, score, rank in board if scores.count(score) == 1}
        assert places == {song: place for song, score, place in songs if scores.count(score) == 1}, year
        songs_without_a_point += scores.count(0)
    assert songs_without_a_point > 0
    assert sum(len(songs) for songs in expected["finals"].values()) == 398
