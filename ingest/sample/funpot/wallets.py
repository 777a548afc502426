"""Clock and money of the FunPot sample: actions in the order of their time, wallets with their ledger, top-ups,
referral bonuses and withdrawals.

Wallets never go below zero because nothing is posted out of order. Voting is in `funpot_contests`.
"""

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from ingest.sample.outbox import Outbox, Row, uuid4

TOPUP_AMOUNTS = (500, 1000, 1000, 2000, 5000)
STARS_RATE = 20  # points for one Telegram Star
_PAID, _FAILED = 0.92, 0.06  # the rest stays pending
_WITHDRAWN = 500
_REJECTED = 0.2

Action = Callable[[datetime], None]


@dataclass
class Clock:
    """Actions run in the order of their time; what is due at the end or later never happens."""

    end: datetime
    _queue: list[tuple[datetime, int, Action]] = field(default_factory=list)
    _entered: int = 0

    def at(self, when: datetime, action: Action) -> None:
        """Have `action` called with `when` once everything before it has happened."""
        self._entered += 1
        if when < self.end:
            heapq.heappush(self._queue, (when, self._entered, action))

    def run(self) -> None:
        """Let everything happen, including what actions enter on the way."""
        while self._queue:
            when, _, action = heapq.heappop(self._queue)
            action(when)


@dataclass
class Wallets:
    """Balances of all members, and the ledger that explains them."""

    outbox: Outbox
    rng: random.Random
    clock: Clock
    balances: dict[UUID, int] = field(default_factory=dict)
    inviters: dict[UUID, tuple[UUID, Decimal]] = field(default_factory=dict)
    _topping_up: set[UUID] = field(default_factory=set)

    def open(self, user_id: UUID, at: datetime) -> None:
        """An empty wallet."""
        self.balances[user_id] = 0
        self._project(user_id, at)

    def post(self, user_id: UUID, kind: str, amount: int, reason: str, ref: object, key: str, at: datetime) -> None:
        """One posting of `amount` > 0; `kind` is credit or debit."""
        self.balances[user_id] += amount if kind == "credit" else -amount
        posting: Row = {
            "id": uuid4(self.rng),
            "user_id": user_id,
            "type": kind,
            "amount_int": amount,
            "currency": "INT",
            "reason": reason,
            "ref_id": str(ref),
            "idempotency_key": key,
            "created_at": at,
        }
        self.outbox.add("wallet_ledger", posting, at)
        self._project(user_id, at)

    def top_up(self, user_id: UUID, at: datetime) -> None:
        """Ask for points: an invoice now, which is paid, fails or is forgotten. One at a time per user."""
        if user_id in self._topping_up:
            return
        self._topping_up.add(user_id)
        payment_id = uuid4(self.rng)
        amount = self.rng.choice(TOPUP_AMOUNTS)
        payment: Row = {
            "id": payment_id,
            "user_id": user_id,
            "provider": "telegram_stars",
            "invoice_id": f"inv-{payment_id.hex[:16]}",
            "amount_int": amount,
            "status": "pending",
            "payload": {"stars": amount // STARS_RATE, "starsRate": STARS_RATE},
            "created_at": at,
            "updated_at": at,
        }
        self.outbox.put("payments", payment, at)
        luck = self.rng.random()
        wait = timedelta(seconds=self.rng.randint(15, 120))
        if luck < _PAID:
            self.clock.at(at + wait, lambda now: self._payment_paid(payment, now))
        elif luck < _PAID + _FAILED:
            self.clock.at(at + wait, lambda now: self._payment_ended(payment, "failed", now))
        else:
            self.clock.at(at + timedelta(days=1), lambda now: self._topping_up.discard(user_id))

    def withdraw(self, user_id: UUID, at: datetime) -> None:
        """A withdrawal; some are rejected hours later and come back."""
        if self.balances[user_id] < 3 * _WITHDRAWN:
            return
        request = f"withdrawal:{uuid4(self.rng)}"
        self.post(user_id, "debit", _WITHDRAWN, "withdraw", request, request, at)
        if self.rng.random() < _REJECTED:
            self.clock.at(
                at + timedelta(minutes=self.rng.randint(30, 360)),
                lambda now: self.post(user_id, "credit", _WITHDRAWN, "withdraw", request, f"{request}:rejected", now),
            )

    def _payment_paid(self, payment: Row, at: datetime) -> None:
        user_id, amount = payment["user_id"], payment["amount_int"]
        self._payment_ended(payment, "paid", at)
        self.post(user_id, "credit", amount, "stars_topup", payment["id"], f"webhook:{payment['invoice_id']}", at)
        if user_id in self.inviters:
            inviter, percent = self.inviters[user_id]
            bonus = int(amount * percent / 100)
            if bonus > 0:
                self.post(inviter, "credit", bonus, "referral_bonus", payment["id"], f"referral:{payment['id']}", at)

    def _payment_ended(self, payment: Row, status: str, at: datetime) -> None:
        self._topping_up.discard(payment["user_id"])
        self.outbox.put("payments", payment | {"status": status, "updated_at": at}, at)

    def _project(self, user_id: UUID, at: datetime) -> None:
        row = {"user_id": user_id, "balance_int": self.balances[user_id], "updated_at": at}
        self.outbox.put("wallet_accounts", row, at)
