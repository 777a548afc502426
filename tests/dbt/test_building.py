"""Building: what changes is all that is built, it is what a whole build would make, and it is published at once."""

import random
import threading
from collections import Counter

import psycopg
import pytest

from ingest.contract import System
from ingest.landing import LandingFile, find_files
from ingest.sample import write_sample
from tests.dbt.builds import Builds

DAYS = 6
SCHEDULES = 3
FOLLOWED = {"advert_market", "funpot", "hermes", "storyforge", "synapse"}

# What must be equal in every state that a reader can see: pairs of figures from different marts.
PAIRS = """
    select
        (select count(*) from marts.fct_events),
        (select sum(count) from marts.event_counters where period = 'lifetime' and category_id = '0'),
        (select array_agg(total order by unit) from (
            select unit, sum(amount) as total from marts.fct_ledger_entries group by 1
        ) as entries),
        (select array_agg(total order by unit) from (
            select unit, sum(credits - debits) as total from marts.balances_daily group by 1
        ) as balances),
        (select sum(points) from marts.leaderboard_scores_daily),
        (select sum(points) from marts.leaderboard_scores where period not like 'day:%')
"""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory, systems: tuple[System, ...]) -> list[LandingFile]:
    """Six days of all systems: history, daily increments, late rows, re-sent files, corrected rows."""
    landing = tmp_path_factory.mktemp("deliveries") / "landing"
    write_sample(landing, systems, days=DAYS)
    return list(find_files(landing, systems))


def pieces(files: list[LandingFile], rng: random.Random) -> list[list[LandingFile]]:
    """All files in any order, in four deliveries. What is delivered once, such as seasons, is not in the last one: some
    of it makes its system be built whole, and then nothing would be followed."""
    shuffled = rng.sample(files, len(files))
    cuts = sorted(rng.sample(range(1, len(files)), 3))
    *early, last = [shuffled[first:after] for first, after in zip([0, *cuts], [*cuts, len(files)], strict=True)]
    count = Counter((file.system, file.table) for file in files)
    once = [file for file in last if count[file.system, file.table] == 1]
    return [*early[:-1], early[-1] + once, [file for file in last if file not in once]]


@pytest.mark.parametrize("seed", range(SCHEDULES))
def test_after_any_deliveries_every_mart_is_what_a_whole_build_makes_of_it(
    builds: Builds, files: list[LandingFile], seed: int
) -> None:
    followed: set[str] = set()
    for piece in pieces(files, random.Random(seed)):
        builds.deliver(piece)
        builds.build()
        followed |= {system.name for system in builds.systems} - builds.whole_systems()
    piece_by_piece = builds.checksums()
    assert followed >= FOLLOWED
    builds.build_whole()

    assert piece_by_piece == builds.checksums()


def test_readers_never_meet_an_error_or_marts_of_two_builds(builds: Builds, files: list[LandingFile]) -> None:
    by_day = sorted({file.delivered_on for file in files})
    builds.deliver(file for file in files if file.delivered_on == by_day[0])
    builds.build()
    seen: set[str] = set()
    problems: list[str] = []
    stop = threading.Event()

    def read() -> None:
        with psycopg.connect(builds.database, autocommit=True, options="-c timezone=UTC") as connection:
            while not stop.is_set():
                try:
                    events, counted, entries, balances, daily, scores = connection.execute(PAIRS).fetchall()[0]
                except psycopg.Error as error:
                    problems.append(str(error))
                    return
                seen.add(f"{events} {entries} {daily}")
                if (events, entries, daily) != (counted, balances, scores):
                    problems.append(
                        f"{events} events and {counted} counted, {entries} and {balances}, {daily}, {scores}"
                    )

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for day in by_day[1:4]:
        builds.deliver(file for file in files if file.delivered_on == day)
        builds.build()
    builds.build("--full-refresh")
    stop.set()
    for reader in readers:
        reader.join()

    assert problems == []
    assert len(seen) >= 3


def test_a_build_that_fails_publishes_nothing(builds: Builds, files: list[LandingFile]) -> None:
    by_day = sorted({file.delivered_on for file in files})
    builds.deliver(file for file in files if file.delivered_on == by_day[0])
    builds.build()
    before = builds.checksums()
    builds.deliver(file for file in files if file.delivered_on == by_day[1])
    # What reads a wrong row of the books last fails, when all the others are ready.
    with psycopg.connect(builds.database) as connection:
        connection.execute("alter table marts.leaderboards add constraint nobody_is_first check (rank <> 1) not valid")
    result = builds.dbt("build", "--exclude-resource-type", "test", "--exclude-resource-type", "unit_test")

    assert not result.success
    assert builds.checksums() == before


def test_a_mart_with_other_columns_than_its_model_tells_is_not_made_of_the_new_rows_alone(
    builds: Builds, files: list[LandingFile]
) -> None:
    first = min(file.delivered_on for file in files)
    builds.deliver(file for file in files if file.delivered_on == first)
    builds.build()
    before = builds.checksums()
    with psycopg.connect(builds.database) as connection:
        connection.execute("alter table marts.leaderboards rename tie_rule to tie")
    result = builds.dbt("build", "--exclude-resource-type", "test", "--exclude-resource-type", "unit_test")
    messages = [run.message for run in result.result.results if run.status == "error"]
    assert len(messages) == 1
    assert "leaderboards is published with" in messages[0] and "--full-refresh" in messages[0]

    builds.build("--full-refresh")
    assert builds.checksums() == before


def test_a_build_of_one_mart_publishes_nothing_that_the_others_would_miss(
    builds: Builds, files: list[LandingFile]
) -> None:
    by_day = sorted({file.delivered_on for file in files})
    builds.deliver(file for file in files if file.delivered_on == by_day[0])
    builds.build()
    before = builds.checksums()
    builds.deliver(file for file in files if file.delivered_on == by_day[1])
    assert builds.dbt("build", "--exclude-resource-types", "test", "unit_test", "--select", "+fct_events").success
    assert builds.checksums() == before
    builds.build()
    piece_by_piece = builds.checksums()
    builds.build_whole()

    assert piece_by_piece == builds.checksums() != before
