"""`tally board`: as of any instant a board is what a recount of the delivered rows in plain Python says."""

import random
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.conftest import Warehouse

FIRST, LAST = datetime(2026, 5, 2, tzinfo=UTC), datetime(2026, 7, 1, tzinfo=UTC)
Scores = dict[str, int]


def scores(moves: Iterable[tuple[str, int, datetime]], entered: Iterable[tuple[str, datetime]], at: datetime) -> Scores:
    """Points by entity of what had happened at an instant, and 0 for whoever had come by then."""
    counted: Counter[str] = Counter({entity: 0 for entity, since in entered if since <= at})
    for entity, points, moment in moves:
        if moment <= at:
            counted[entity] += points
    return dict(counted)


def by_competition(board: Scores) -> list[tuple[int, str, int]]:
    """Equal scores share a place: 1, 2, 2, 4."""
    return sorted(
        (1 + sum(other > score for other in board.values()), entity, score) for entity, score in board.items()
    )


def by_id(board: Scores) -> list[tuple[int, str, int]]:
    """Nobody shares a place; of equal scores the smaller id, read as a number, comes first."""
    ranked = sorted(board.items(), key=lambda item: (-item[1], int(item[0])))
    return [(place, entity, score) for place, (entity, score) in enumerate(ranked, 1)]


def messages(built: Warehouse) -> Callable[[datetime], Scores]:
    moves = built.fetch(
        "select user_id::text, 1, timestamp from raw_synapse.event_lake where event_type = 'message_create'"
    )
    members = built.fetch("select id::text, created_at from raw_synapse.users")
    return lambda at: scores(moves, members, at)


def stars(built: Warehouse) -> Callable[[datetime], Scores]:
    moves = built.fetch("select user_id::text, star_delta, timestamp from raw_synapse.activity_log where season_id = 2")
    members = built.fetch(
        "select s.user_id::text, starts_at from raw_synapse.user_stats s join raw_synapse.seasons on season_id = id"
        " where season_id = 2 union select e.user_id::text, starts_at from raw_synapse.event_lake e"
        " join raw_synapse.seasons s on e.guild_id = s.guild_id and timestamp >= starts_at and timestamp < ends_at"
        " where s.id = 2"
    )
    return lambda at: scores(moves, members, at)


def votes_of_streamers(built: Warehouse) -> Callable[[datetime], Scores]:
    moves = built.fetch(
        "select streamer_id::text, 1, v.created_at from raw_funpot.votes v join raw_funpot.events e on e.id = event_id"
    )
    streamers = built.fetch("select id::text, created_at from raw_funpot.streamers")
    return lambda at: scores(moves, streamers, at)


BOARDS: list[tuple[str, str, Callable[[Warehouse], Callable[[datetime], Scores]], Any]] = [
    ("messages", "lifetime", messages, by_id),
    ("season_stars", "season:2", stars, by_id),
    ("streamer_votes", "lifetime", votes_of_streamers, by_competition),
]


@pytest.mark.parametrize(("board", "period", "recount", "rank"), BOARDS, ids=[board[0] for board in BOARDS])
def test_a_board_as_of_any_instant_equals_a_recount_of_the_delivered_rows(
    built: Warehouse, board: str, period: str, recount: Any, rank: Any
) -> None:
    rng = random.Random(board)
    recounted = recount(built)
    instants = [FIRST + (LAST - FIRST) * rng.random() for _ in range(6)]
    instants += [LAST, FIRST + timedelta(days=20)]  # everything, and a midnight
    for at in instants:
        (system,) = built.fetch(f"select distinct system from marts.leaderboards where board = '{board}'")[0]
        found = built.fetch(
            f"select * from marts.board_as_of('{system}', '{board}', '{period}', '{at.isoformat()}') order by 1, 2"
        )
        assert found == rank(recounted(at))
    assert len(found) > 3


def test_a_board_of_a_day_holds_who_scored_that_day_and_nothing_of_another(built: Warehouse) -> None:
    moves = built.fetch(
        "select user_id::text, 1, timestamp from raw_synapse.event_lake where event_type = 'message_create'"
    )
    for day in (FIRST + timedelta(days=20), FIRST + timedelta(days=41)):
        of_day = [move for move in moves if day <= move[2] < day + timedelta(days=1)]
        board = f"'synapse', 'messages', 'day:{day:%Y-%m-%d}'"
        held = f"select rank, entity_id, score from marts.leaderboards where (system, board, period) = ({board})"
        assert sorted(built.fetch(held)) == by_id(scores(of_day, [], LAST))
        for at in (day + timedelta(hours=13, minutes=7), day - timedelta(seconds=1), LAST):
            found = built.fetch(f"select * from marts.board_as_of({board}, '{at.isoformat()}') order by 1")
            assert found == by_id(scores(of_day, [], at))
    assert len(of_day) > 3


def test_the_days_of_a_board_add_up_to_its_lifetime(built: Warehouse) -> None:
    sums = """
        select board, sum(points) filter (where period = 'lifetime'), sum(points) filter (where period like 'day:%')
        from marts.leaderboard_scores
        group by system, board
        having bool_or(period = 'lifetime')
    """
    found = {board: (lifetime, of_days) for board, lifetime, of_days in built.fetch(sums)}
    assert {"xp", "voter_net", "predictor_profit", "owner_released", "creator_likes"} <= found.keys()
    assert all(lifetime == of_days for lifetime, of_days in found.values())


def test_the_command_shows_the_first_places_now_and_as_of_the_end_of_a_day(built: Warehouse) -> None:
    recounted = messages(built)
    end_of_day = datetime(2026, 5, 20, 23, 59, 59, 999999, UTC)
    for words, at, told in (
        ((), LAST, ""),
        (("--as-of", "2026-05-20"), end_of_day, " as of the end of 2026-05-20"),
        (("--as-of", "2026-05-20T12:00"), datetime(2026, 5, 20, 12, tzinfo=UTC), " as of 2026-05-20 12:00:00 UTC"),
    ):
        code, out, err = built.tally("board", "messages", "--limit", "3", *words)

        assert (code, err) == (0, "")
        assert out.splitlines()[0] == f"synapse messages, lifetime{told}"
        shown = [tuple(line.replace(",", "").split()) for line in out.splitlines()[-3:]]
        assert shown == [tuple(map(str, row)) for row in by_id(recounted(at))[:3]]


def test_changes_lie_between_the_board_before_the_last_day_and_the_board_now(built: Warehouse) -> None:
    changes = built.fetch("select * from marts.leaderboard_changes")
    found = {row[:4]: row[4:] for row in changes}
    boards = sorted({row[:3] for row in found})
    for board in random.Random(4).sample(boards, 25):
        names = ", ".join(f"'{name}'" for name in board)
        (day,) = {found[key][0] for key in found if key[:3] == board}
        before, after = (
            {entity: (rank, score) for rank, entity, score in built.fetch(query)}
            for query in (
                f"select * from marts.board_as_of({names}, '{day}T00:00Z'::timestamptz - interval '1 microsecond')",
                f"select * from marts.board_as_of({names}, '2100-01-01T00:00Z')",
            )
        )
        for entity in before.keys() | after.keys():
            was, now = before.get(entity, (None, None)), after.get(entity, (None, None))
            passed = was[0] != now[0] and min(was[0] or 1, now[0] or 1) <= 100
            if was[1] != now[1] or passed:
                assert found[(*board, entity)][1:5] == (was[1], now[1], was[0], now[0])
            else:
                assert (*board, entity) not in found


def test_a_change_names_what_caused_it_and_five_causes_or_fewer_add_up_to_it(built: Warehouse) -> None:
    rows = built.fetch(
        "select score_before, score_after, causes from marts.leaderboard_changes"
        " where board in ('xp', 'streamer_votes') and score_before is not null and causes is not null"
    )
    assert rows
    for before, after, causes in rows:
        points = [Decimal(str(cause["points"])) for cause in causes]
        assert points == sorted(points, key=lambda value: -abs(value))
        assert len(points) == 5 or sum(points) == after - before


def test_every_board_as_of_the_end_is_the_board_of_the_mart(built: Warehouse) -> None:
    boards = built.fetch("select distinct system, board, period from marts.leaderboards")
    for system, board, period in random.Random(3).sample(sorted(boards), 60):
        names = f"'{system}', '{board}', '{period}'"
        now = built.fetch(
            f"select rank, entity_id, score from marts.leaderboards where (system, board, period) = ({names})"
        )

        assert sorted(now) == sorted(built.fetch(f"select * from marts.board_as_of({names}, '2100-01-01T00:00Z')"))


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["messagess"], "There is no board messagess; there are messages"),
        (["xp", "--system", "funpot"], "funpot has no board xp; there are "),
        (
            ["xp", "--period", "season:77"],
            "Board xp has no period season:77; choose with --period: lifetime, day:2026-06-30, ",
        ),
        (["xp", "--as-of", "noon"], "--as-of is 'noon'; give a day or an instant such as 2026-06-30"),
    ],
)
def test_what_does_not_exist_is_one_sentence_and_exits_2(built: Warehouse, words: list[str], sentence: str) -> None:
    code, out, err = built.tally("board", *words)

    assert (code, out) == (2, "")
    assert err.startswith(sentence)
    assert len(err.splitlines()) == 1
