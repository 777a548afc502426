"""`tally explain contest`: the printed steps are those of the rule, and end where the books do."""

import re
from decimal import Decimal

import pytest

from tests.conftest import Warehouse


def numbers(line: str) -> list[Decimal]:
    return [Decimal(found.replace(",", "")) for found in re.findall(r"-?\d[\d,]*(?:\.\d+)?", line)]


def line_of(out: str, start: str) -> str:
    return next(line for line in out.splitlines() if line.startswith(start))


def some_contest(built: Warehouse, condition: str) -> str:
    rows = built.fetch(f"select contest_id from marts.settlements where {condition} order by contest_id limit 1")
    return str(rows[0][0])


# One of each way a pool can end: rounding to tens, a scratched option, a dead heat, a draw, nobody right, cancelled.
POOLS = [
    "outcome <> 'none' and rule like '%step=10 %' and breakage > 0",
    "outcome <> 'draw' and refunds > 0 and payouts_expected > 0",
    "outcome like '%, %' and payouts_expected > 0",
    "outcome = 'draw'",
    "status = 'settled' and payouts_expected = 0 and outcome <> 'draw' and refunds > 0",
    "status = 'settled' and payouts_expected = 0 and breakage > 0",
    "status = 'cancelled' and stakes > 0",
]


@pytest.mark.parametrize("condition", POOLS)
def test_a_pool_is_divided_before_the_readers_eyes_and_nothing_is_left_over(built: Warehouse, condition: str) -> None:
    contest_id = some_contest(built, f"system = 'funpot' and {condition}")
    stakes, fee, payouts = built.fetch(
        f"select stakes, fee, payouts_expected from marts.settlements where contest_id = '{contest_id}'"
    )[0]
    code, out, err = built.tally("explain", "contest", contest_id)

    assert (code, err) == (0, "")
    assert numbers(line_of(out, "stakes "))[0] == stakes
    assert numbers(line_of(out, "− fee"))[0] == fee
    assert numbers(line_of(out, "− payouts"))[0] == payouts
    assert numbers(line_of(out, "left over"))[0] == 0
    winners = re.findall(r"([\d,]+) × ([\d,]+) ÷ ([\d,]+) +([\d,]+) +([\d,]+)", out)
    step = int(re.search(r"step=(\d+)", out)[1])  # type: ignore[index]
    for winner in winners:
        pot, stake, parts, reckoned, expected = (int(number.replace(",", "")) for number in winner)
        assert reckoned == expected == pot * stake // (parts * step) * step


def test_picks_are_paid_their_own_odds_and_superseded_decisions_are_told(built: Warehouse) -> None:
    ((contest_id,),) = built.fetch(
        "select contest_id from marts.hermes_decisions where superseded_by is not null order by 1 limit 1"
    )
    code, out, _ = built.tally("explain", "contest", contest_id)

    assert code == 0
    picks = built.fetch(
        "select p.vote_id, p.expected_payout - p.stake from marts.settlement_payouts p"
        f" where contest_id = '{contest_id}'"
    )
    for pick, profit in picks:
        assert numbers(line_of(out, pick).split()[-1]) == [profit]
    assert numbers(line_of(out, "P&L of the pickers").removeprefix("P&L of the pickers"))[0] == sum(p for _, p in picks)
    assert "superseded by" in out


def test_a_deal_is_followed_from_the_chain_and_back_to_it(built: Warehouse) -> None:
    contest_id = some_contest(built, "system = 'advert_market' and outcome = 'released' and fee > 0")
    fund, commission, release = built.fetch(
        f"select stakes, fee, payouts_recorded from marts.settlements where contest_id = '{contest_id}'"
    )[0]
    code, out, _ = built.tally("explain", "contest", contest_id)

    assert code == 0
    taken, _, rate, *_ = numbers(line_of(out, "commission by rule").split("(")[1])
    assert numbers(line_of(out, "commission by rule"))[0] == commission == taken * rate // 10_000
    assert numbers(line_of(out, "release"))[0] == release == fund - commission
    assert numbers(line_of(out, "= left in escrow"))[0] == 0
    assert "deposit" in out


def test_an_open_contest_shows_its_stakes_and_says_so(built: Warehouse) -> None:
    code, out, _ = built.tally("explain", "contest", some_contest(built, "system = 'funpot' and status = 'open'"))

    assert code == 0
    assert "Nothing is settled yet: the contest is open." in out


def test_an_unknown_id_is_one_sentence_with_the_ids_near_it(built: Warehouse) -> None:
    known = some_contest(built, "system = 'funpot'")
    code, out, err = built.tally("explain", "contest", known[:6] + "zzz")
    assert (code, out) == (2, "")
    assert err == f"There is no contest {known[:6]}zzz: no system knows it; near it are {known}.\n"

    code, _, err = built.tally("explain", "contest", known, "--system", "hermes")
    assert code == 2
    assert "hermes knows no such contest" in err


def test_before_the_first_build_it_says_what_to_do(warehouse: Warehouse) -> None:
    assert warehouse.tally("explain", "contest", "x")[2] == "There are no marts yet; `tally run` builds them.\n"
