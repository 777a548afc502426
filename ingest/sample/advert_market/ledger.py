"""Money in the ad market: double-entry postings with their projection and audit trail, the chain, and the treasury."""

import random
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from ingest.sample.advert_market.timeline import Process, Timeline
from ingest.sample.outbox import Outbox, Row, uuid4

EXTERNAL = "EXTERNAL_TON"
TREASURY = "PLATFORM_TREASURY"
# The legs of one posting are written by one transaction but stamped one after the other.
LEG_GAP = timedelta(microseconds=100)
_BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

Leg = tuple[str, str, int]  # account, DEBIT or CREDIT, nanoTON


class Books:
    """The ledger: every posting also moves the projected balances and leaves an audit record."""

    def __init__(self, outbox: Outbox, timeline: Timeline, rng: random.Random) -> None:
        self.outbox, self.timeline, self.rng = outbox, timeline, rng
        self.balances: defaultdict[str, int] = defaultdict(int)

    def post(self, operation: str, legs: Sequence[Leg], deal_id: UUID | None, operator_id: int | None = None) -> None:
        """Write one balanced posting as of now; an operator, if any, is who did it."""
        tx_ref = uuid4(self.rng)
        now = self.timeline.now
        for position, (account_id, direction, amount_nano) in enumerate(legs):
            self._write_leg(tx_ref, account_id, direction, amount_nano, deal_id, operation, now + position * LEG_GAP)
        audit: Row = {
            "id": uuid4(self.rng),
            "actor_type": "OPERATOR" if operator_id else "SYSTEM",
            "actor_id": operator_id,
            "operation": operation,
            "tx_ref": tx_ref,
            "deal_id": deal_id,
            "payload": {"legs": [{"account": a, "direction": d, "amount_nano": n} for a, d, n in legs]},
            "created_at": now + len(legs) * LEG_GAP,
        }
        self.outbox.add("audit_log", audit, now)

    def _write_leg(
        self,
        tx_ref: UUID,
        account_id: str,
        direction: str,
        amount_nano: int,
        deal_id: UUID | None,
        operation: str,
        created_at: datetime,
    ) -> None:
        entry: Row = {
            "id": uuid4(self.rng),
            "tx_ref": tx_ref,
            "account_id": account_id,
            "direction": direction,
            "amount_nano": amount_nano,
            "deal_id": deal_id,
            "description": operation.replace("_", " ").capitalize() if self.rng.random() < 0.9 else None,
            "created_at": created_at,
        }
        self.outbox.add("ledger_entries", entry, self.timeline.now)
        self.balances[account_id] += amount_nano if direction == "CREDIT" else -amount_nano
        balance: Row = {
            "account_id": account_id,
            "balance_nano": self.balances[account_id],
            "last_entry_id": entry["id"],
            "updated_at": created_at + LEG_GAP,
        }
        self.outbox.put("account_balances", balance, self.timeline.now)

    def record_reconciliation(self) -> None:
        """Leave the daily audit record that the platform looked at its own books; no money moves."""
        audit: Row = {
            "id": uuid4(self.rng),
            "actor_type": "SYSTEM",
            "actor_id": None,
            "operation": "RECONCILIATION",
            "tx_ref": None,
            "deal_id": None,
            "payload": {"accounts": len(self.balances), "sum_nano": sum(self.balances.values())},
            "created_at": self.timeline.now,
        }
        self.outbox.add("audit_log", audit, self.timeline.now)


class Chain:
    """Transactions on the TON chain, as the platform sees them."""

    def __init__(self, outbox: Outbox, timeline: Timeline, rng: random.Random) -> None:
        self.outbox, self.timeline, self.rng = outbox, timeline, rng
        self.platform_address = self.new_address()

    def new_address(self) -> str:
        """An address of the right shape."""
        return "EQ" + "".join(self.rng.choices(_BASE64, k=46))

    def begin(self, direction: str, amount_nano: int, deal_id: UUID | None, address: str | None = None) -> Row:
        """A PENDING transaction between the platform (or a deal's deposit address) and a stranger's address."""
        here, there = address or self.platform_address, self.new_address()
        transaction: Row = {
            "tx_hash": f"{self.rng.getrandbits(256):064x}",
            "direction": direction,
            "amount_nano": amount_nano,
            "deal_id": deal_id,
            "from_address": there if direction == "IN" else here,
            "to_address": here if direction == "IN" else there,
            "confirmations": 0,
            "status": "PENDING",
            "created_at": self.timeline.now,
        }
        self.outbox.put("ton_transactions", transaction, self.timeline.now)
        return transaction

    def finish(self, transaction: Row, status: str, confirmations: int) -> None:
        """Mark a transaction CONFIRMED or FAILED."""
        transaction |= {"status": status, "confirmations": confirmations}
        self.outbox.put("ton_transactions", transaction, self.timeline.now)


def sweep_daily(timeline: Timeline, books: Books, operator_id: int) -> Process:
    """Move commissions to the treasury at 02:00 UTC; once a month one sweep is reversed and swept again next day."""
    reverse_from = timeline.now
    while True:
        yield _until_hour(timeline, 2)
        swept = {a: n for a, n in sorted(books.balances.items()) if a.startswith("COMMISSION:") and n > 0}
        for account_id, amount_nano in swept.items():
            books.post(
                "COMMISSION_SWEEP",
                [(account_id, "DEBIT", amount_nano), (TREASURY, "CREDIT", amount_nano)],
                None,
            )
            yield timedelta(milliseconds=20)
        yield _until_hour(timeline, 3)
        books.record_reconciliation()
        if swept and timeline.now >= reverse_from:
            yield _until_hour(timeline, 9)
            account_id, amount_nano = min(swept.items(), key=lambda account: account[1])
            legs = [(TREASURY, "DEBIT", amount_nano), (account_id, "CREDIT", amount_nano)]
            books.post("REVERSAL", legs, None, operator_id)
            reverse_from = timeline.now + timedelta(days=30)


def withdraw_fortnightly(timeline: Timeline, books: Books, chain: Chain) -> Process:
    """Pay half of the treasury out every fourteen days."""
    while True:
        yield timedelta(days=14)
        amount_nano = books.balances[TREASURY] // 2
        if amount_nano:
            transaction = chain.begin("OUT", amount_nano, None)
            yield timedelta(seconds=40)
            chain.finish(transaction, "CONFIRMED", 3)
            books.post("WITHDRAWAL", [(TREASURY, "DEBIT", amount_nano), (EXTERNAL, "CREDIT", amount_nano)], None)


def _until_hour(timeline: Timeline, hour: int) -> timedelta:
    """How long it is until the clock next shows a full hour of the day."""
    due = timeline.now.replace(hour=hour, minute=0, second=0, microsecond=0)
    return timeline.until(due if due > timeline.now else due + timedelta(days=1))
