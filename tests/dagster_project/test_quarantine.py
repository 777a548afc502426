"""`tally quarantine` as a person meets it: what was refused, one row whole, and once more after the contract."""

import csv
import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest

from tests.conftest import Warehouse
from tests.ingest.shop import MENDED, Shop, row
from tests.ingest.zone import ndjson


@pytest.fixture
def agree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Shop], None]:
    """Let a sixth system be described by this contract."""
    folder = tmp_path / "contracts"
    monkeypatch.setenv("TALLY_CONTRACTS", str(folder))

    def describe(shop: Shop) -> None:
        shop.system(folder)

    describe(Shop())
    return describe


@pytest.fixture
def deliver(warehouse: Warehouse, agree: Callable[[Shop], None]) -> Callable[[str, bytes], None]:
    """Deliver a file to the shop and load it."""

    def write(place: str, content: bytes) -> None:
        path = warehouse.landing / "shop" / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        assert warehouse.tally("load")[0] == 0

    return write


def test_a_refused_row_is_listed_shown_and_replayed(
    warehouse: Warehouse, deliver: Callable[[str, bytes], None], agree: Callable[[Shop], None]
) -> None:
    deliver("people/date=2026-06-01/a.ndjson", ndjson(row(1), row(2, kind="huge"), row(3, kind="odd")))

    code, out, err = warehouse.tally("quarantine", "list", "--rule", "enum")
    assert (code, err) == (0, "")
    assert "people  shop/people/date=2026-06-01/a.ndjson" in out
    assert "2 rows in quarantine." in out

    code, out, _ = warehouse.tally("quarantine", "show", "1")
    assert code == 0
    for words in ("a.ndjson", "2026-06-01", "kind is 'huge', which is none of small, large", '  "kind": "huge",'):
        assert words in out
    assert "correct the contract" in out
    assert "`tally quarantine replay --id 1`" in out

    agree(MENDED)
    code, out, err = warehouse.tally("quarantine", "replay")
    assert code == 0
    assert "raw_shop.people: kind may hold 'huge' now." in err.splitlines()
    assert out.splitlines()[1].split() == ["shop", "people", "1", "2", "1", "0", "0", "1"]
    assert "`tally run` takes what was accepted into the marts." in out
    assert warehouse.fetch("select id from raw_shop.people order by id") == [("1",), ("2",)]

    code, out, err = warehouse.tally("quarantine", "replay", "--rule", "type")
    assert (code, out, err) == (0, "There is nothing to replay.\n", "")


def test_many_rows_are_counted_first_and_the_rest_is_named(
    warehouse: Warehouse, deliver: Callable[[str, bytes], None]
) -> None:
    deliver("notes/date=2026-06-01/a.ndjson", ndjson(*(row(key, kind="huge") for key in range(1500))))
    deliver("people/date=2026-06-01/a.ndjson", b"{broken\n")
    _, out, _ = warehouse.tally("quarantine", "list")
    lines = [line.split() for line in out.splitlines()]

    assert lines[1:3] == [
        ["shop", "notes", "rejected", "enum", "1,500", "1"],
        ["shop", "people", "rejected", "json", "1", "1"],
    ]
    assert len(lines) == 3 + 1 + 1 + 20 + 3
    assert "… and 1,481 more" in out
    assert out.endswith("1,501 rows in quarantine.\n")


def test_machines_get_every_row_and_nothing_else(warehouse: Warehouse, deliver: Callable[[str, bytes], None]) -> None:
    deliver("notes/date=2026-06-01/a.ndjson", ndjson(*(row(key, kind="huge") for key in range(30))))
    code, out, _ = warehouse.tally("quarantine", "list", "--format", "csv")
    rows = list(csv.DictReader(StringIO(out)))

    assert code == 0
    assert len(rows) == 30
    assert (rows[0]["id"], rows[0]["table"], rows[0]["line"], rows[0]["delivered_on"]) == (
        "1",
        "notes",
        "1",
        "2026-06-01",
    )
    found = json.loads(warehouse.tally("quarantine", "list", "--format", "json")[1])
    assert [one["line"] for one in found] == list(range(1, 31))
    header = ",".join(rows[0]) + "\n"
    assert warehouse.tally("quarantine", "list", "--table", "people", "--format", "csv")[1] == header


def test_a_csv_row_is_shown_by_its_columns_and_bytes_that_are_no_text_are_escaped(
    warehouse: Warehouse, deliver: Callable[[str, bytes], None]
) -> None:
    head = b"id,kind,amount,title,tags,payload,at\n"
    deliver("notes/date=2026-06-01/a.csv", head + b'1,huge,,"two\nlines \x1b[31m",,,\n' + b'2,\xff\xfe,,"\n",,,\n')
    ids = [str(key) for (key,) in warehouse.fetch("select quarantine_id from ingest.quarantine order by line")]

    shown = warehouse.tally("quarantine", "show", ids[0])[1]
    assert "kind: huge\n" in shown
    assert "title: two\\nlines \\x1b[31m\n" in shown
    shown = warehouse.tally("quarantine", "show", ids[1])[1]
    assert '2,\\xff\\xfe,,"\n",,,\n' in shown
    assert "No contract can mend what is no valid text" in shown


def test_a_conflict_is_said_to_stay(warehouse: Warehouse, deliver: Callable[[str, bytes], None]) -> None:
    deliver("notes/date=2026-06-01/a.ndjson", ndjson(row(1), row(1, amount=6)))

    assert "history is never changed" in warehouse.tally("quarantine", "show", "1")[1]
    code, out, _ = warehouse.tally("quarantine", "replay")
    assert code == 0
    assert "1 row in conflict must stay: no contract changes history." in out


def test_rows_that_could_not_be_kept_are_to_be_delivered_again(
    warehouse: Warehouse, deliver: Callable[[str, bytes], None]
) -> None:
    content = b"id,email,username\nx,r2@example.com,r2\n"
    deliver("../storyforge/users/date=2026-06-01/a.csv", content)
    code, out, _ = warehouse.tally("quarantine", "replay")

    assert code == 0
    assert "1 row cannot be replayed" in out
    shown = warehouse.tally("quarantine", "show", "1")[1]
    assert "have the source deliver it again" in shown
    assert "example.com" not in shown


def test_a_row_that_is_not_there_and_names_nobody_knows_exit_2(warehouse: Warehouse) -> None:
    for words, problem in (
        (["show", "17"], "There is no row 17 in quarantine"),
        (["list", "--system", "funpott"], "There is no system funpott; known are advert_market, funpot, hermes"),
        (["list", "--system", "funpot", "--table", "vote"], "There is no table vote in funpot."),
        (["replay", "--table", "vote"], "There is no table vote in any system."),
    ):
        code, _, err = warehouse.tally("quarantine", *words)

        assert code == 2
        assert err.startswith(problem)
        assert len(err.splitlines()) == 1
