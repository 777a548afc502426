"""FunPot built piece by piece: late votes and contests, corrected rows, postings before what they are about."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import pytest

from tests.dbt.builds import Builds

NAMES = UUID(int=0)
MAY = "2026-05-01T00:00:00Z"
Row = dict[str, Any]


def key(name: str) -> str:
    """A UUID that is the same wherever the name is the same."""
    return str(uuid5(NAMES, name))


@pytest.fixture
def deliver(builds: Builds, tmp_path: Path) -> Callable[..., None]:
    """Delivers rows of some tables and builds what they touch."""
    return partial(builds.deliver_and_build, tmp_path, "funpot")


def user(name: str, created_at: str = MAY) -> Row:
    return {"id": key(name), "created_at": created_at}


def game(name: str, **rules: Any) -> Row:
    return {"id": key(name), "streamer_id": key("rex"), "status": "active", "rules_json": rules}


def contest(name: str, state: str, updated_at: str, **changes: Any) -> Row:
    return {
        "id": key(name),
        "streamer_id": key("rex"),
        "game_id": key("game"),
        "title": name,
        "options_json": ["a", "b"],
        "state": state,
        "closes_at": "2026-06-02T12:00:00Z",
        "created_at": "2026-06-01T10:00:00Z",
        "updated_at": updated_at,
    } | changes


def closed(name: str, updated_at: str, **changes: Any) -> Row:
    return contest(name, "closed", updated_at, result_json={"optionId": "a"}, **changes)


def vote(of: str, by: str, option: str, cost: int, at: str = "2026-06-02T10:00:00Z") -> Row:
    return {
        "id": key(f"{by} on {of}"),
        "event_id": key(of),
        "user_id": key(by),
        "option_id": option,
        "cost_int": cost,
        "idempotency_key": f"{by} on {of}",
        "created_at": at,
    }


def posting(name: str, of: str, reason: str, amount: int, ref: str | None, at: str, **changes: Any) -> Row:
    return {
        "id": key(name),
        "user_id": key(of),
        "type": "credit" if amount > 0 else "debit",
        "amount_int": abs(amount),
        "reason": reason,
        "ref_id": ref and key(ref),
        "created_at": at,
    } | changes


def payment(name: str, by: str, status: str, updated_at: str) -> Row:
    return {
        "id": key(name),
        "user_id": key(by),
        "invoice_id": name,
        "amount_int": 100,
        "status": status,
        "created_at": MAY,
        "updated_at": updated_at,
    }


def first_delivery(deliver: Callable[..., None]) -> None:
    """Contests, votes and payments without any ledger; of one contest only the votes are there."""
    deliver(
        "2026-06-03",
        users=[user(name) for name in ("ann", "ben", "cy")],
        referrals=[{"user_id": key("ben"), "inviter_user_id": key("ann"), "percent": 10, "created_at": MAY}],
        streamers=[{"id": key("rex"), "status": "ok", "added_by": key("ann"), "created_at": MAY}],
        games=[game("game")],
        events=[
            closed("settled", "2026-06-02T12:01:00Z"),
            closed("to be cancelled", "2026-06-02T12:01:00Z"),
            contest("open", "live", "2026-06-02T10:00:00Z"),
            closed("single", "2026-06-02T12:01:00Z", game_id=None, streamer_id=None),
        ],
        votes=[
            vote("settled", "ann", "a", 10),
            vote("settled", "ben", "b", 30),
            vote("to be cancelled", "ann", "a", 7),
            vote("single", "ben", "a", 5, "2026-05-30T10:00:00Z"),
            vote("late contest", "ben", "b", 5, "2026-06-01T11:00:00Z"),
        ],
        payments=[payment("invoice", "ben", "pending", MAY)],
    )


def second_delivery(deliver: Callable[..., None]) -> None:
    """The first postings ever; one names a vote that nobody has seen yet. A payment is paid."""
    deliver(
        "2026-06-04",
        wallet_ledger=[
            posting("reward", "ann", "reward", 40, "settled", "2026-06-03T10:00:00Z"),
            posting("rollback of cy", "cy", "event_vote_rollback", 20, "cy on settled", "2026-06-03T11:00:00Z"),
        ],
        payments=[payment("invoice", "ben", "paid", "2026-06-03T13:00:00Z")],
    )


def third_delivery(deliver: Callable[..., None]) -> None:
    """Votes and a contest come late, a closed contest turns out to be cancelled, one gets another streamer."""
    deliver(
        "2026-06-05",
        users=[user("ben", "2026-04-01T00:00:00Z")],
        referrals=[{"user_id": key("ben"), "percent": 10, "created_at": MAY}],
        streamers=[{"id": key("dot"), "status": "ok", "added_by": key("cy"), "created_at": MAY}],
        events=[
            closed("late contest", "2026-06-02T12:01:00Z"),
            contest("to be cancelled", "cancelled", "2026-06-04T10:00:00Z"),
            closed("single", "2026-06-04T11:00:00Z", streamer_id=key("dot")),
        ],
        votes=[
            vote("settled", "cy", "b", 20, "2026-06-01T10:00:00Z"),
            vote("settled", "dan", "a", 10, "2026-06-02T11:00:00Z"),
        ],
    )


def fourth_delivery(deliver: Callable[..., None]) -> None:
    """After the settlement a vote is rolled back, and the game is found to have taken a fee."""
    deliver(
        "2026-06-06",
        games=[game("game", fee_bps=1000)],
        wallet_ledger=[
            posting("rollback of dan", "dan", "event_vote_rollback", 10, "dan on settled", "2026-06-05T10:00:00Z"),
            posting(
                "reward by key",
                "ben",
                "reward",
                5,
                "single",
                "2026-06-01T12:00:00Z",
                idempotency_key=f"event_settlement:{key('single')}:x:{key('ben on single')}",
            ),
        ],
    )
    # An older version of what is known changes nothing, and a posting of long ago comes last.
    deliver(
        "2026-06-02",
        events=[contest("settled", "live", "2026-06-01T10:00:00Z")],
        wallet_ledger=[posting("stake", "ann", "vote_cost", -10, "ann on settled", "2026-06-02T10:00:00Z")],
    )


def settlement(builds: Builds, name: str) -> tuple[Any, ...]:
    (row,) = builds.fetch(f"""
        select status, stakes::int, fee::int, payouts_expected::int, payouts_recorded::int
        from marts.settlements where contest_id = '{key(name)}'
    """)
    return row


def payout(builds: Builds, vote_name: str) -> list[tuple[Any, ...]]:
    return builds.fetch(f"""
        select standing, expected_payout::int, recorded_payout::int
        from marts.settlement_payouts where vote_id = '{key(vote_name)}'
    """)


def happened(builds: Builds) -> dict[str, str]:
    return dict(builds.fetch("select event_id, (occurred_at at time zone 'UTC')::date::text from marts.fct_events"))


def scores(builds: Builds, board: str) -> dict[str, int]:
    query = "select entity_id, score from marts.leaderboards where period not like 'day:%' and score <> 0 and board = "
    return {entity: int(score) for entity, score in builds.fetch(f"{query}'{board}'")}


def test_builds_follow_late_corrected_and_settled_rows(builds: Builds, deliver: Callable[..., None]) -> None:
    first_delivery(deliver)
    assert settlement(builds, "settled") == ("unrecorded", 40, 0, 40, None)
    assert payout(builds, "ben on late contest") == []
    assert scores(builds, "streamer_votes") == {key("rex"): 3}

    second_delivery(deliver)
    assert "funpot" not in builds.whole_systems()
    assert settlement(builds, "settled") == ("settled", 40, 0, 40, 40)
    assert settlement(builds, "single") == ("differs", 5, 0, 5, 0)
    assert payout(builds, "ann on settled") == [("won", 40, 40)]
    assert f"payment_paid:{key('invoice')}" in happened(builds)

    third_delivery(deliver)
    assert "funpot" not in builds.whole_systems()
    assert settlement(builds, "settled") == ("differs", 50, 0, 50, 40)
    assert payout(builds, "cy on settled") == []
    assert payout(builds, "ben on late contest") == [("lost", 0, 0)]
    assert payout(builds, "ann on to be cancelled") == [("cancelled", 7, 0)]
    assert scores(builds, "streamer_votes") == {key("rex"): 5, key("dot"): 1}
    assert happened(builds)[f"user_registered:{key('ben')}"] == "2026-04-01"
    assert happened(builds)[f"event_cancelled:{key('to be cancelled')}"] == "2026-06-04"
    gone = ("referral_accepted:" + key("ben"), "event_closed:" + key("to be cancelled"))
    assert set(gone).isdisjoint(happened(builds))

    fourth_delivery(deliver)
    assert "funpot" not in builds.whole_systems()
    assert settlement(builds, "settled") == ("differs", 40, 4, 36, 40)
    assert settlement(builds, "single") == ("settled", 5, 0, 5, 5)
    assert payout(builds, "dan on settled") == []
    assert payout(builds, "ben on single") == [("won", 5, 5)]

    piece_by_piece = builds.checksums()
    builds.build_whole()
    assert piece_by_piece == builds.checksums()


def test_a_contest_without_a_time_of_its_change_leaves_the_day_that_it_was_dated_to(
    builds: Builds, deliver: Callable[..., None]
) -> None:
    first_delivery(deliver)
    undated = contest("undated", "cancelled", MAY) | {"updated_at": None, "closes_at": "2026-05-28T10:00:00Z"}
    deliver(
        "2026-06-04",
        events=[undated],
        votes=[vote("undated", "ann", "a", 8, "2026-05-27T10:00:00Z")],
        wallet_ledger=[posting("stake", "ann", "vote_cost", -8, "ann on undated", "2026-05-27T10:00:00Z")],
    )
    revenue = "select day::text from marts.leaderboard_scores_daily where board = 'streamer_ggr' and points = 8"
    assert builds.fetch(revenue) == [("2026-05-28",)]

    deliver("2026-06-05", events=[undated | {"closes_at": "2026-05-29T10:00:00Z"}])
    assert "funpot" not in builds.whole_systems()
    assert builds.fetch(revenue) == [("2026-05-29",)]


def test_a_contest_awaits_its_payouts_for_a_day_of_what_is_delivered(
    builds: Builds, deliver: Callable[..., None]
) -> None:
    def told() -> list[tuple[Any, ...]]:
        return builds.fetch("""
            select title, status, rule_id from marts.settlements
            left join marts.reconciliation_breaks as breaks on subject = contest_id
            where title in ('unpaid', 'off') order by title
        """)

    deliver(
        "2026-06-03",
        games=[game("game")],
        events=[closed("unpaid", "2026-06-02T12:01:00Z"), contest("off", "cancelled", "2026-06-02T12:01:00Z")],
        votes=[vote("unpaid", "ann", "a", 10), vote("off", "ann", "a", 7)],
        wallet_ledger=[
            posting("stake", "ann", "vote_cost", -10, "ann on unpaid", "2026-06-02T10:00:00Z"),
            posting("other stake", "ann", "vote_cost", -7, "ann on off", "2026-06-02T10:00:00Z"),
        ],
    )
    deliver("2026-06-04", events=[contest("other", "live", "2026-06-03T12:01:00Z")])
    assert told() == [("off", "pending", None), ("unpaid", "pending", None)]

    deliver("2026-06-05", payments=[payment("invoice", "ben", "pending", "2026-06-03T12:01:01Z")])
    assert told() == [("off", "differs", "A-12"), ("unpaid", "differs", "A-11")]
    assert "funpot" not in builds.whole_systems()

    piece_by_piece = builds.checksums()
    builds.build_whole()
    assert piece_by_piece == builds.checksums()


def test_a_posting_touches_its_own_contest_alone(builds: Builds, deliver: Callable[..., None]) -> None:
    first_delivery(deliver)
    second_delivery(deliver)
    deliver(
        "2026-06-05",
        wallet_ledger=[posting("stake", "ben", "vote_cost", -30, "ben on settled", "2026-06-02T10:00:00Z")],
    )

    assert "funpot" not in builds.whole_systems()
    assert builds.fetch("select contest_id from building.touched_funpot__contests") == [(key("settled"),)]
    assert builds.fetch("select event_id from building.touched_funpot__events") == []


def test_wallets_are_compared_once_both_sides_were_delivered(builds: Builds, deliver: Callable[..., None]) -> None:
    drifts = "select drift from marts.balance_reconciliation where system = 'funpot' and drift <> 0"
    deliver("2026-06-02", wallet_ledger=[posting("topup", "ann", "stars_topup", 100, None, MAY)])
    assert builds.fetch("select ledger, drift from marts.account_balances") == [(100, None)]
    assert builds.fetch(drifts) == []

    # The first wallet of all is another's, and that of the posting is missed.
    deliver("2026-06-03", wallet_accounts=[{"user_id": key("ben"), "balance_int": 0, "updated_at": MAY}])
    assert "funpot" not in builds.whole_systems()
    assert builds.fetch(drifts) == [(-100,)]

    piece_by_piece = builds.checksums()
    builds.build_whole()
    assert piece_by_piece == builds.checksums()
