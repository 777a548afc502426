"""`tally check` as CI calls it: of a landing zone without a server, with annotations, waivers and machine formats."""

import json
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from expectations import waivers
from tests.conftest import Warehouse

USERS = '{"id": "00000000-0000-4000-8000-000000000001", "created_at": "2026-06-01T00:00:00Z"}\n'
ACCOUNTS = (
    '{"user_id": "00000000-0000-4000-8000-000000000001", "balance_int": %d, "updated_at": "2026-06-01T00:00:00Z"}\n'
)
LEDGER = (
    '{"id": "00000000-0000-4000-8000-00000000000a", "user_id": "00000000-0000-4000-8000-000000000001",'
    ' "type": "credit", "amount_int": 10, "currency": "INT", "reason": "stars_topup", "ref_id": null,'
    ' "idempotency_key": null, "created_at": "2026-06-01T00:00:00Z"}\n'
)
SUBJECT = "00000000-0000-4000-8000-000000000001"


@pytest.fixture
def deliver(tmp_path: Path) -> Callable[[int], Path]:
    """Writes a landing zone of one wallet with this balance over a ledger that says 10."""

    def write(balance: int) -> Path:
        landing = tmp_path / "delivered"
        for table, content in (("wallet_accounts", ACCOUNTS % balance), ("wallet_ledger", LEDGER)):
            folder = landing / "funpot" / table / "date=2026-06-01"
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "rows.ndjson").write_text(content, encoding="utf-8")
        return landing

    return write


def failed(out: str) -> set[str]:
    return {verdict["rule_id"] for verdict in json.loads(out) if verdict["status"] == "failed"}


def test_a_landing_zone_is_judged_without_a_server_and_leaves_nothing(
    warehouse: Warehouse, deliver: Callable[[int], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    home = warehouse.landing.parent / "new home"
    monkeypatch.setenv("TALLY_HOME", str(home))
    monkeypatch.setenv("TALLY_DATABASE_URL", "host=/nowhere dbname=tally")
    landing = deliver(11)
    code, out, err = warehouse.tally("check", "--system", "funpot", "--from", str(landing), "--format", "json")
    assert (code, err) == (1, "")
    assert "A-01" in failed(out)
    # What is gone cannot be asked any more: the next command brings the samples by itself.
    commands = {verdict["next_command"] for verdict in json.loads(out) if verdict["status"] == "failed"}
    assert commands == {f"tally check --from {landing} --system funpot --format json"}
    assert {path.name for path in home.iterdir()} == {"data_docs"}


def test_a_landing_zone_in_order_passes(warehouse: Warehouse, deliver: Callable[[int], Path]) -> None:
    code, out, _ = warehouse.tally("check", "--system", "funpot", "--from", str(deliver(10)), "--fail-on", "critical")
    assert code == 0, out


def test_rows_that_do_not_fit_their_contract_fail_a_landing_zone(
    warehouse: Warehouse, deliver: Callable[[int], Path]
) -> None:
    landing = deliver(10)
    (landing / "funpot" / "wallet_ledger" / "date=2026-06-01" / "more.ndjson").write_text("{broken\n", encoding="utf-8")
    code, _, err = warehouse.tally("check", "--system", "funpot", "--from", str(landing), "--fail-on", "critical")
    assert code == 1
    assert "funpot/wallet_ledger/date=2026-06-01/more.ndjson line 1 does not fit its contract" in err
    assert "1 row in all did not get in." in err


@pytest.mark.parametrize(("source", "told"), [("no-such-folder", "There is no folder"), (".", "nothing to judge")])
def test_a_landing_zone_without_files_is_wrong_use(
    warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, told: str
) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    code, _, err = warehouse.tally("check", "--from", source)
    assert code == 2
    assert told in err


@pytest.fixture
def wrong(warehouse: Warehouse, deliver: Callable[[int], Path], monkeypatch: pytest.MonkeyPatch) -> Warehouse:
    """A warehouse with a wallet that is one point too high."""
    monkeypatch.setenv("TALLY_LANDING", str(deliver(11)))
    assert warehouse.tally("load")[0] == 0
    return warehouse


def test_in_ci_each_broken_rule_is_an_annotation(wrong: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    code, out, _ = wrong.tally("check", "--system", "funpot")
    assert code == 1
    [line] = [line for line in out.splitlines() if line.startswith("::error title=funpot A-01::")]
    assert SUBJECT in line
    assert "%0Atally sql" in line


def test_in_ci_json_stays_json(wrong: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    _, out, err = wrong.tally("check", "--system", "funpot", "--format", "json")
    assert "A-01" in failed(out)
    assert "::error title=funpot A-01::" in err


def test_a_verdict_names_month_rows_amount_keys_and_what_to_run_next(wrong: Warehouse) -> None:
    _, out, _ = wrong.tally("check", "--system", "funpot")
    lines = out.splitlines()
    [start] = [number for number, line in enumerate(lines) if " A-01 " in line]
    assert lines[start + 1].strip() == f"1 break in 1 row of wallet_accounts, of 2026-06, 1 INT at stake: {SUBJECT}"
    assert lines[start + 2].strip().startswith("tally sql ")


def test_a_waived_break_is_told_in_every_form_and_fails_nothing(
    wrong: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "waivers.yaml"
    path.write_text(
        "".join(
            f"- {{rule: {rule}, subject: '{subject}', reason: Known., who: Kim, expires: 2999-12-31}}\n"
            for rule, subject in (("A-01", SUBJECT), ("A-16", "HOUSE"), ("Z-99", "x"), ("A-16", "y"))
        ),
        encoding="utf-8",
    )
    monkeypatch.setattr(waivers, "WAIVERS", path)
    code, out, err = wrong.tally("check", "--system", "funpot", "--fail-on", "critical")
    assert code == 0
    assert f"waiver of {SUBJECT}: until 2999-12-31, Kim: Known." in out
    assert "The waiver of Z-99 for x by Kim names a rule that does not exist" in err
    assert "The waiver of A-16 for y by Kim matches no break" in err

    junit = tmp_path / "junit.xml"
    _, out, _ = wrong.tally("check", "--system", "funpot", "--format", "json", "--junit", str(junit))
    [told] = [verdict for verdict in json.loads(out) if verdict["rule_id"] == "A-01"]
    assert (told["status"], told["waived_rows"], told["waivers"][0]["who"]) == ("waived", 1, "Kim")
    [case] = [
        case
        for case in ElementTree.parse(junit).iter("testcase")  # noqa: S314 - our own text
        if str(case.get("name")).startswith("A-01")
    ]
    assert [child.tag for child in case] == ["system-out"]
