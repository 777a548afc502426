"""The money of one deal: coins come in, are held, and go to the owner less a commission or back to the advertiser."""

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ingest.sample.advert_market.ledger import EXTERNAL, Books, Chain
from ingest.sample.advert_market.parties import NANO_PER_TON, Channel, Messenger
from ingest.sample.advert_market.plans import Plan
from ingest.sample.advert_market.timeline import Process, Timeline
from ingest.sample.outbox import Outbox, Row

# The owner's share of a price that is refunded in part, in hundredths of a percent, by the hours below.
_SHARES_BP = ((1, 1_000), (6, 2_500), (12, 5_000), (24, 7_500), (float("inf"), 10_000))


@dataclass
class Market:
    """What all deals share; `payable_from` says since when an owner has had a payout address."""

    outbox: Outbox
    timeline: Timeline
    rng: random.Random
    books: Books
    chain: Chain
    messenger: Messenger
    operator_ids: tuple[int, ...]
    payable_from: dict[int, datetime] = field(default_factory=dict)


@dataclass
class Deal:
    """One deal as it stands: its plan, its channel and its row."""

    market: Market
    plan: Plan
    channel: Channel
    row: Row

    def save(self, **changes: object) -> None:
        """Change columns and write the row."""
        self.row |= {**changes, "updated_at": self.market.timeline.now}
        self.market.outbox.put("deals", self.row, self.market.timeline.now)


class Escrow:
    """The escrow account of one deal and the chain transactions around it."""

    def __init__(self, deal: Deal) -> None:
        self.deal, self.market, self.row = deal, deal.market, deal.row
        self.timeline, self.rng, self.chain = deal.market.timeline, deal.market.rng, deal.market.chain
        self.amount: int = deal.row["amount_nano"]
        self.account = f"ESCROW:{deal.row['id']}"
        self.owner_account = f"OWNER_PENDING:{deal.row['owner_id']}"
        # What came above the price, and what came of a price that was never paid in full.
        self.excess = max(1, self.amount // 20) if deal.plan.oddity == "overpaid" else 0
        self.part = 0
        self.live_until = self.timeline.end  # until when the post is known to have been as it should

    def deposit(self) -> Process:
        """Coins arrive, in one transaction or two, and are confirmed; the caller funds the escrow then."""
        ending_soon = self.timeline.until(self.timeline.end) < timedelta(hours=2)
        split = self.deal.plan.oddity == "two deposits" and not ending_soon
        whole = self.amount + self.excess
        for part in (whole // 3, whole - whole // 3) if split else (whole,):
            yield timedelta(minutes=self.rng.uniform(1, 10))
            transaction = self.chain.begin("IN", part, self.row["id"], self.row["deposit_address"])
            # Larger deposits wait for more blocks, the largest for an operator's review.
            blocks = 1 if part <= 100 * NANO_PER_TON else 3 if part <= 1_000 * NANO_PER_TON else 5
            yield timedelta(seconds=5 * blocks + self.rng.uniform(1, 5), minutes=10 if blocks == 5 else 0)
            self.chain.finish(transaction, "CONFIRMED", blocks)
        self.row["deposit_tx_hash"] = transaction["tx_hash"]
        if self.deal.plan.oddity == "callback twice":
            self.timeline.start(self._repeat_callback(dict(transaction)), self.timeline.now + timedelta(days=1))

    def deposit_in_part(self) -> Process:
        """Half of the price arrives; the rest never does."""
        yield timedelta(hours=self.rng.uniform(1, 10))
        transaction = self.chain.begin("IN", self.amount // 2, self.row["id"], self.row["deposit_address"])
        yield timedelta(seconds=40)
        self.chain.finish(transaction, "CONFIRMED", 5)
        self.part = self.amount // 2
        account = f"PARTIAL_DEPOSIT:{self.row['id']}"
        self._post("PARTIAL_DEPOSIT", [(EXTERNAL, "DEBIT", self.part), (account, "CREDIT", self.part)])

    def return_part(self) -> None:
        """What came of the price goes back when the deal expires."""
        account = f"PARTIAL_DEPOSIT:{self.row['id']}"
        legs = [(account, "DEBIT", self.part), (EXTERNAL, "CREDIT", self.part)]
        self._post("PARTIAL_DEPOSIT_REFUND", legs)
        self.timeline.start(self._return_coins(self.part))

    def deposit_too_late(self) -> Process:
        """Coins that were under way when the deal was cancelled come in and go straight back."""
        transaction = self.chain.begin("IN", self.amount, self.row["id"], self.row["deposit_address"])
        yield timedelta(seconds=30)
        self.chain.finish(transaction, "CONFIRMED", 5)
        self.fund()
        yield timedelta(seconds=1)
        self.refund(None)

    def fund(self) -> None:
        """Take the price into escrow; what came above it waits on an account of its own to go back."""
        legs = [(EXTERNAL, "DEBIT", self.amount + self.excess), (self.account, "CREDIT", self.amount)]
        if self.excess:
            legs.append((f"OVERPAYMENT:{self.row['id']}", "CREDIT", self.excess))
            self.timeline.start(self._return_excess(), self.timeline.now + timedelta(hours=self.rng.uniform(1, 20)))
        self._post("ESCROW_FUND", legs)

    def release(self, operator_id: int | None) -> None:
        """Escrow to owner and commission; the commission is rounded down and has no leg when nothing is left."""
        commission = self.amount * self.deal.plan.rate_bp // 10_000
        legs = [(self.account, "DEBIT", self.amount)]
        if commission:
            legs.append((f"COMMISSION:{self.row['id']}", "CREDIT", commission))
        legs.append((self.owner_account, "CREDIT", self.amount - commission))
        self._post("ESCROW_RELEASE", legs, operator_id)
        self._owe_owner(self.amount - commission)

    def _owe_owner(self, share: int) -> None:
        """Pay the owner's share as soon as there is an address to pay it to."""
        payable_from, owner_id = self.market.payable_from, self.row["owner_id"]
        if owner_id not in payable_from:
            # One owner in eight has not given a payout address yet; all but the newcomer do so within a month.
            days = self.rng.uniform(8, 25) if self.rng.random() < 0.125 else 0
            unclaimed = self.deal.plan.oddity == "payout unclaimed"
            payable_from[owner_id] = self.timeline.end if unclaimed else self.timeline.now + timedelta(days=days)
        self.timeline.start(self._pay_owner(share))

    def split(self) -> Row:
        """Whose part is how large when a published post is refunded in part, by the hours it was live."""
        hours = (self.live_until - self.row["published_at"]) / timedelta(hours=1)
        share_bp = next(bp for limit, bp in _SHARES_BP if hours < limit)
        owner_gross = self.amount * share_bp // 10_000
        commission = owner_gross * self.deal.plan.rate_bp // 10_000
        return {
            "timeSincePublicationHours": int(hours),
            "ownerShareBp": share_bp,
            "ownerGrossNano": owner_gross,
            "commissionNano": commission,
            "ownerNetNano": owner_gross - commission,
            "advertiserRefundNano": self.amount - owner_gross,
        }

    def refund_in_part(self, operator_id: int | None) -> None:
        """The owner is paid for the hours the post was live, less a commission; the rest goes back."""
        split = self.split()
        legs = [(self.account, "DEBIT", self.amount)]
        parts = (
            (f"COMMISSION:{self.row['id']}", split["commissionNano"]),
            (self.owner_account, split["ownerNetNano"]),
            (EXTERNAL, split["advertiserRefundNano"]),
        )
        legs += [(account, "CREDIT", amount) for account, amount in parts if amount]
        self._post("PARTIAL_REFUND", legs, operator_id)
        self._owe_owner(split["ownerNetNano"])
        if split["advertiserRefundNano"]:
            self.timeline.start(self._return_coins(split["advertiserRefundNano"]))

    def refund(self, operator_id: int | None) -> None:
        """The whole escrow goes back without a commission; the coins follow on the chain."""
        self._post("REFUND", [(self.account, "DEBIT", self.amount), (EXTERNAL, "CREDIT", self.amount)], operator_id)
        self.timeline.start(self._return_coins(self.amount))

    def _post(self, operation: str, legs: list[tuple[str, str, int]], operator_id: int | None = None) -> None:
        self.market.books.post(operation, legs, self.row["id"], operator_id)

    def _repeat_callback(self, transaction: Row) -> Process:
        """The same confirmation is reported again a day later and changes nothing."""
        self.market.outbox.put("ton_transactions", transaction, self.timeline.now)
        yield from ()

    def _pay_owner(self, share: int) -> Process:
        """The owner's share leaves on the chain once there is an address; a failed transaction is sent again."""
        yield self.timeline.until(self.market.payable_from[self.row["owner_id"]])
        yield timedelta(minutes=self.rng.uniform(1, 15))
        if self.deal.plan.oddity == "payout fails once":
            failed = self.chain.begin("OUT", share, self.row["id"])
            yield timedelta(seconds=self.rng.uniform(20, 60))
            self.chain.finish(failed, "FAILED", 0)
            yield timedelta(minutes=2)
        transaction = self.chain.begin("OUT", share, self.row["id"])
        yield timedelta(seconds=self.rng.uniform(20, 60))
        self.chain.finish(transaction, "CONFIRMED", 1)
        self._post("PAYOUT", [(self.owner_account, "DEBIT", share), (EXTERNAL, "CREDIT", share)])
        self.deal.save(payout_tx_hash=transaction["tx_hash"])
        self.market.messenger.notify("PAYOUT_SENT", self.row["owner_id"], self.row["id"])

    def _return_coins(self, amount: int) -> Process:
        transaction = self.chain.begin("OUT", amount, self.row["id"])
        yield timedelta(seconds=self.rng.uniform(20, 60))
        self.chain.finish(transaction, "CONFIRMED", 1)
        self.deal.save(refunded_tx_hash=transaction["tx_hash"])

    def _return_excess(self) -> Process:
        """What came above the price goes back; the deal's row keeps no hash of it."""
        transaction = self.chain.begin("OUT", self.excess, self.row["id"])
        yield timedelta(seconds=self.rng.uniform(20, 60))
        self.chain.finish(transaction, "CONFIRMED", 1)
        account = f"OVERPAYMENT:{self.row['id']}"
        self._post("OVERPAYMENT_REFUND", [(account, "DEBIT", self.excess), (EXTERNAL, "CREDIT", self.excess)])
