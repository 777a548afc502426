"""Violations of the ad market's critical rules, as operational faults would make them, planted after the fact."""

import random
from collections import defaultdict
from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID

from ingest.sample.advert_market.parties import NANO_PER_TON
from ingest.sample.outbox import Fault, Outbox, Record, uuid4

_HOLDS_ESCROW = {"FUNDED", "CREATIVE_SUBMITTED", "SCHEDULED", "DELIVERY_VERIFYING", "DISPUTED"}


def plant(outbox: Outbox, rng: random.Random) -> list[Fault]:
    """Plant at least one violation of every critical rule; return every (rule, subject) pair that becomes true."""
    # Three owners, so that no fault hides another.
    incomplete, repeated, overstated = rng.sample(_one_release_per_owner(outbox), 3)
    return [
        *_lose_commission_leg(outbox, incomplete),
        *_release_again(outbox, rng, repeated),
        *_overstate_balance(outbox, _owner_account(overstated)),
        *_forget_refund(outbox),
    ]


def _lose_commission_leg(outbox: Outbox, release: list[Record]) -> Iterable[Fault]:
    """One of the three legs of a release was never written; the projection moved all the same."""
    lost = next(record for record in release if record.row["account_id"].startswith("COMMISSION:"))
    outbox.records["ledger_entries"].remove(lost)
    what = f"the leg {lost.row['id']} of a release is missing"
    yield _fault("C-01", "ledger", what)
    yield _fault("C-02", lost.row["tx_ref"], what)
    yield _fault("C-04", lost.row["account_id"], what)


def _release_again(outbox: Outbox, rng: random.Random, release: list[Record]) -> Iterable[Fault]:
    """A release was posted a second time an hour later, past the projection."""
    tx_ref, deal_id = uuid4(rng), release[0].row["deal_id"]
    what = f"the deal was released again by {tx_ref}"
    for record in release:
        later = record.row["created_at"] + timedelta(hours=1)
        row = record.row | {"id": uuid4(rng), "tx_ref": tx_ref, "created_at": later}
        outbox.add("ledger_entries", row, later)
        yield _fault("C-04", row["account_id"], what)
    yield _fault("C-08", deal_id, what)
    yield _fault("C-11", deal_id, what)


def _overstate_balance(outbox: Outbox, account_id: str) -> Iterable[Fault]:
    """The projection of an owner's account is one TON too high."""
    balance = next(record for record in outbox.latest("account_balances") if record.row["account_id"] == account_id)
    balance.row["balance_nano"] += NANO_PER_TON
    what = f"the balance of {account_id} is 1 TON too high"
    yield _fault("C-04", account_id, what)
    yield _fault("C-06", "account_balances", what)


def _forget_refund(outbox: Outbox) -> Iterable[Fault]:
    """A deal in escrow was cancelled and nothing was refunded."""
    # The newest event of a period lies minutes before its end: an hour is well beyond the ten minutes of grace.
    settled_by = outbox.period.end - timedelta(hours=1)
    deal = next(
        record
        for record in outbox.latest("deals")
        if record.row["status"] in _HOLDS_ESCROW and record.row["updated_at"] < settled_by
    )
    deal.row["status"] = "CANCELLED"
    yield _fault("C-08", deal.row["id"], "the deal was cancelled and its escrow not refunded")


def _one_release_per_owner(outbox: Outbox) -> list[list[Record]]:
    """The legs of one three-legged release for each owner, early enough for another one before the period ends."""
    postings: dict[UUID, list[Record]] = defaultdict(list)
    for record in outbox.records["ledger_entries"]:
        postings[record.row["tx_ref"]].append(record)
    by_owner = {
        _owner_account(legs): legs
        for legs in postings.values()
        if len(legs) == 3 and _takes_commission(legs) and legs[0].at < outbox.period.end - timedelta(hours=2)
    }
    return list(by_owner.values())


def _takes_commission(legs: list[Record]) -> bool:
    return any(leg.row["account_id"].startswith("COMMISSION:") for leg in legs)


def _owner_account(release: list[Record]) -> str:
    account_ids = (str(record.row["account_id"]) for record in release)
    return next(account_id for account_id in account_ids if account_id.startswith("OWNER_PENDING:"))


def _fault(rule_id: str, subject: object, what: str) -> Fault:
    return Fault(rule_id, "advert_market", str(subject), what)
