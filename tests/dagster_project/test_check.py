"""`tally check` as CI calls it: of a landing zone without a server, with annotations, waivers and machine formats."""

import json
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from dagster_project.commands import check
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
    assert "landing" not in failed(out)
    # What is gone cannot be asked any more: the next command brings the samples by itself.
    commands = {verdict["next_command"] for verdict in json.loads(out) if verdict["status"] == "failed"}
    assert commands == {f"tally check --from {landing} --system funpot --format json"}
    assert not home.exists()


def test_a_landing_zone_in_order_passes(warehouse: Warehouse, deliver: Callable[[int], Path]) -> None:
    code, out, _ = warehouse.tally("check", "--system", "funpot", "--from", str(deliver(10)), "--fail-on", "critical")
    assert code == 0, out


def test_what_does_not_fit_its_contract_fails_a_landing_zone_in_every_form(
    warehouse: Warehouse, deliver: Callable[[int], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    landing = deliver(10)
    (landing / "funpot" / "wallet_ledger" / "date=2026-06-01" / "more.ndjson").write_text("{broken\n", encoding="utf-8")
    (landing / "funpot" / "votes" / "date=2026-06-01").mkdir(parents=True)
    (landing / "funpot" / "votes" / "date=2026-06-01" / "bad.parquet").write_bytes(b"no parquet")
    monkeypatch.setenv("CI", "true")
    junit = tmp_path / "gates.xml"
    words = ["--system", "funpot", "--from", str(landing), "--fail-on", "critical"]
    code, out, err = warehouse.tally("check", *words, "--format", "json", "--junit", str(junit))
    assert code == 1
    row = "funpot/wallet_ledger/date=2026-06-01/more.ndjson line 1 does not fit its contract"
    file = "funpot/votes/date=2026-06-01/bad.parquet was refused"
    [told] = [verdict for verdict in json.loads(out) if verdict["rule_id"] == "landing"]
    assert (told["status"], told["breaking_rows"]) == ("failed", 2)
    assert told["next_command"] == f"tally check --from {landing} --format json"
    assert [sample["subject"].split(":")[0] for sample in told["samples"]] == [file, row]
    [annotation] = [line for line in err.splitlines() if line.startswith("::")]
    assert annotation.startswith("::error title=landing landing::Every file and row of the landing zone fits")
    assert row in annotation
    assert [line.split(":")[0] for line in err.splitlines() if not line.startswith("::")] == [file, row]
    cases = ElementTree.parse(junit).iter("testcase")  # noqa: S314 - our own text
    assert {case.get("name"): [child.tag for child in case] for case in cases if case.find("failure") is not None} == {
        "landing Every file and row of the landing zone fits its contract.": ["failure"]
    }


@pytest.mark.parametrize(("source", "told"), [("no-such-folder", "There is no folder"), (".", "nothing to judge")])
def test_a_landing_zone_without_files_is_wrong_use(
    warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, told: str
) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    code, _, err = warehouse.tally("check", "--from", source)
    assert code == 2
    assert told in err


def test_a_file_that_cannot_be_written_is_said_before_anything_is_asked(
    warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check, "_ask", lambda *words: pytest.fail("the rules were asked"))
    junit = tmp_path / "nowhere" / "gates.xml"
    code, out, err = warehouse.tally("check", "--junit", str(junit))
    assert (code, out) == (2, "")
    assert err == f"--junit is {junit}, which cannot be written (No such file or directory).\n"


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
