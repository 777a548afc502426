"""Every drift of a balance is named with its cause, what it touches is not trusted, and nothing else drifts."""

import importlib
import random
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest

from dagster_project import environment
from dagster_project.dbt_runner import invoke
from ingest.contract import System
from ingest.landing import find_files
from ingest.load import load_files
from ingest.sample import write_sample
from ingest.settings import Settings
from tests.conftest import judge
from tests.dbt import drifts
from tests.dbt.drifts import Drift

CAUSES = {"unknown account", "duplicate", "late row", "stale projection", "wrong amount", "missing entry"}
DAYS = 16  # nine days of history in one delivery, then seven daily ones
PLANTERS: dict[str, Callable[..., Any]] = {
    "funpot": drifts.plant_funpot,
    "advert_market": drifts.plant_advert_market,
    "synapse": drifts.plant_synapse,
}
LAST_DELIVERY = date(2026, 7, 1)
LOOKBACK_DAYS = {"funpot": 1, "advert_market": 2, "synapse": 2}
# Every posting as delivered: (system, unit, account, posting, signed amount, instant, what it refers to, delivery day).
POSTINGS = """
    select 'funpot', 'INT', 'WALLET:' || e.user_id, e.id::text,
        case type when 'credit' then amount_int else -amount_int end::numeric, e.created_at, array[
            ref_id, e.id::text, v.event_id::text, coalesce(v.event_id::text, ref_id, e.id::text) || ':' || e.user_id
        ] || array(select id::text from raw_funpot.payments where invoice_id = ref_id), delivered_on
    from raw_funpot.wallet_ledger e join ingest.loads using (load_id)
    left join raw_funpot.votes v on v.id::text = ref_id
    union all
    select 'advert_market', 'nanoTON', account_id, tx_ref::text,
        case direction when 'CREDIT' then amount_nano else -amount_nano end, created_at,
        array[deal_id::text, tx_ref::text], delivered_on
    from raw_advert_market.ledger_entries e join ingest.loads using (load_id)
    union all
    select 'synapse', 'XP', 'XP:' || user_id, id::text, xp_delta, timestamp, array['reward ' || id || ':XP'],
        delivered_on
    from raw_synapse.activity_log e join ingest.loads using (load_id) where xp_delta <> 0
    union all
    select 'synapse', 'stars', 'STARS:' || user_id || ':' || season_id, id::text, star_delta, timestamp,
        array['reward ' || id || ':stars'], delivered_on
    from raw_synapse.activity_log e join ingest.loads using (load_id) where star_delta <> 0 and season_id is not null
""".replace("using (load_id)", "on e._load_id = load_id")

# Every balance as delivered: (system, account, balance, the instant it speaks of).
BALANCES = """
    select 'funpot', 'WALLET:' || user_id, balance_int::numeric, coalesce(updated_at, seen_at)
    from raw_funpot.wallet_accounts_versions
    union all
    select 'advert_market', account_id, balance_nano, updated_at from raw_advert_market.account_balances_versions
"""


@pytest.fixture
def plant(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, systems: tuple[System, ...]) -> Callable[[int], list[Drift]]:
    """Writes a sample with drifts planted by a seed; returns them."""

    def write(seed: int) -> list[Drift]:
        planted: list[Drift] = []

        def planter(name: str) -> Callable[..., list[Any]]:
            def into(outbox: Any, _: random.Random) -> list[Any]:
                planted.extend(PLANTERS[name](outbox, random.Random(f"{name} {seed}")))
                return []

            return into

        for name in PLANTERS:
            faults = importlib.import_module(f"ingest.sample.{name}.faults")
            monkeypatch.setattr(faults, "plant", planter(name))
        write_sample(tmp_path / "landing", systems, days=DAYS, seed=seed, faults=True)
        return planted

    return write


@pytest.fixture
def build(
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    connection: psycopg.Connection,
    systems: tuple[System, ...],
    tmp_path: Path,
) -> Callable[[date], None]:
    """Loads what was delivered up to a day, and builds what balances are reconciled from and trusted by."""
    for name, value in environment.dbt_environment(settings).items():
        monkeypatch.setenv(name, value)

    def run(up_to: date) -> None:
        files = find_files(tmp_path / "landing", systems)
        load_files(connection, systems, [file for file in files if file.delivered_on <= up_to])
        judge(connection)
        connection.commit()
        tests = ["--exclude-resource-type", "test", "--exclude-resource-type", "unit_test"]
        assert invoke(["--no-write-json", "build", *tests]).success

    return run


@pytest.mark.parametrize("seed", [1, 2])
def test_every_planted_drift_is_attributed_to_its_cause_and_nothing_else_drifts(
    seed: int, plant: Callable[[int], list[Drift]], build: Callable[[date], None], connection: psycopg.Connection
) -> None:
    planted = plant(seed)
    assert {drift.cause for drift in planted} == CAUSES
    assert len(planted) >= len(CAUSES) * len(PLANTERS) * drifts.PER_CAUSE
    if seed == 2:
        build(LAST_DELIVERY - timedelta(days=3))  # what comes later must change whatever it explains otherwise
    build(LAST_DELIVERY)

    found = connection.execute(
        "select system, account_id, cause, drift, first_divergent_entry_id from marts.balance_reconciliation"
        " where status = 'differs'"
    ).fetchall()
    assert {row[:4] for row in found} == {(d.system, d.account_id, d.cause, d.amount) for d in planted}
    named = {(d.system, d.account_id): d.entry_id for d in planted if d.entry_id}
    assert {(row[0], row[1]): row[4] for row in found if row[:2] in named} == named
    _hold_partings_against_the_balances_delivered(connection, planted)
    _hold_ages_against_a_recount(connection, planted)
    _hold_trust_against_a_recount(connection)


def _hold_partings_against_the_balances_delivered(connection: psycopg.Connection, planted: list[Drift]) -> None:
    """Where nothing but balances tells: found among those that were delivered by halving, as a person would."""
    silent = {(drift.system, drift.account_id): drift for drift in planted if drift.parted_by}
    assert {system for system, _ in silent} == {"funpot", "advert_market"}
    balances, posted = defaultdict(list), defaultdict(list)
    for system, account, recorded, at in connection.execute(BALANCES).fetchall():
        balances[system, account].append((at, recorded))
    for system, _, account, _, amount, at, *_ in connection.execute(POSTINGS.encode()).fetchall():
        posted[system, account].append((at, amount))
    found = connection.execute(
        "select found.system, found.account_id, first_divergent_at, entries.posted_at, witness"
        " from marts.balance_reconciliation as found"
        " left join marts.fct_ledger_entries as entries"
        " on found.system = entries.system and first_divergent_entry_id = entry_id"
    ).fetchall()
    checked = 0
    for system, account, parts_at, entry_at, witness in found:
        if (system, account) not in silent:
            continue
        history, postings = sorted(balances[system, account]), posted[system, account]

        def agrees(number: int, history: Any = history, postings: Any = postings) -> bool:
            at, recorded = history[number]
            return bool(recorded == sum(amount for posted_at, amount in postings if posted_at <= at))

        first = bisect_left(range(len(history)), True, key=lambda number: not agrees(number))
        after = [at for at, _ in postings if history[first - 1][0] < at <= history[first][0]] if first else []
        parted_by = silent[system, account].parted_by
        assert parted_by and parted_by <= history[first][0]
        assert (parts_at, entry_at) == (
            (min(after), min(after)) if after else (history[first][0] if first else None, None)
        )
        assert witness == (f"agrees until {history[first - 1][0]:%Y-%m-%dT%H:%M:%S.%fZ}" if first else None)
        checked += first > 0
    assert checked >= drifts.PER_CAUSE


def _hold_ages_against_a_recount(connection: psycopg.Connection, planted: list[Drift]) -> None:
    """Of every balance that drifts: since when, by the posting that was planted, and how old that was at the newest."""
    posted = {
        (system, entry_id): at
        for system, entry_id, at in connection.execute(
            "select system, entry_id, posted_at from marts.fct_ledger_entries"
        ).fetchall()
    }
    newest = dict(
        connection.execute(
            "select system, max(at) from (select system, occurred_at as at from marts.fct_events"
            " union all select system, posted_at from marts.fct_ledger_entries) as instants group by 1"
        ).fetchall()
    )
    ages = {
        (system, subject): (since, age)
        for system, subject, since, age in connection.execute(
            "select system, subject, broken_since, age_days from marts.reconciliation_breaks"
        ).fetchall()
    }
    for (system, _), (since, age) in ages.items():
        assert age == (since and (newest[system] - since).days)
    dated = {(d.system, d.account_id): posted[d.system, d.entry_id] for d in planted if d.entry_id}
    assert {account: ages[account][0] for account in dated} == dated
    assert {system for system, _ in dated} == set(PLANTERS)
    assert len({age for _, age in ages.values() if age is not None}) > 1


def _hold_trust_against_a_recount(connection: psycopg.Connection) -> None:
    """Value moved, explained and on time of every day, counted again posting by posting."""
    broken = set(
        connection.execute(
            "select system, subject from marts.reconciliation_breaks"
            " union select breaks.system, coalesce(tx_ref, deal_id) from marts.reconciliation_breaks as breaks"
            " inner join marts.advert_market_chain_matches on subject in (tx_hash, entry_id)"
        ).fetchall()
    )
    postings: dict[tuple[str, str, str], list[Any]] = defaultdict(list)
    for system, unit, account, posting, *rest in connection.execute(POSTINGS.encode()).fetchall():
        postings[system, unit, posting].append((account, *rest))
    expected: dict[tuple[Any, ...], list[Decimal]] = defaultdict(lambda: [Decimal(0)] * 3)
    for (system, unit, _), entries in postings.items():
        day = min(at for _, _, at, _, _ in entries).date()
        amounts = [amount for _, amount, *_ in entries]
        moved = max(sum(a for a in amounts if a > 0), -sum(a for a in amounts if a < 0))
        # An account that is kept for one deal is part of that deal.
        names = {
            name for account, _, _, references, _ in entries for name in (account, account.split(":")[-1], *references)
        }
        is_explained = not any((system, name) in broken for name in names)
        is_on_time = (max(entry[4] for entry in entries) - day).days <= 1 + LOOKBACK_DAYS[system]
        counted = expected[system, unit, day]
        expected[system, unit, day] = [
            counted[0] + moved,
            counted[1] + moved * is_explained,
            counted[2] + moved * is_on_time,
        ]
    found = connection.execute(
        "select system, unit, day, moved, explained, on_time from marts.money_trust_daily"
    ).fetchall()
    assert {tuple(row[:3]): list(row[3:]) for row in found} == dict(expected)
    for system in PLANTERS:
        assert any(moved > explained for (name, *_), (moved, explained, _) in expected.items() if name == system)
    assert any(moved > on_time for moved, _, on_time in expected.values())
