"""The life of one deal: its statuses, the checks of the published post, and the evidence of a dispute."""

from collections.abc import Iterator
from datetime import timedelta
from hashlib import sha256
from json import dumps

from ingest.sample.advert_market.escrow import Deal, Escrow, Market
from ingest.sample.advert_market.ledger import LEG_GAP
from ingest.sample.advert_market.parties import Channel
from ingest.sample.advert_market.plans import Plan
from ingest.sample.advert_market.timeline import Process
from ingest.sample.outbox import Row, uuid4

# Hours a deal stays in a status before somebody acts, from and to.
_HOURS = {
    "DRAFT": (0.05, 2.0),
    "OFFER_PENDING": (0.2, 8.0),
    "NEGOTIATING": (0.5, 20.0),
    "ACCEPTED": (0.01, 0.2),
    "AWAITING_PAYMENT": (0.1, 6.0),
    "FUNDED": (0.5, 8.0),
    "CREATIVE_SUBMITTED": (0.3, 6.0),
    "CREATIVE_APPROVED": (0.05, 1.0),
    "PUBLISHED": (0.003, 0.02),
    "DISPUTED": (4.0, 72.0),
}
_TIMEOUT_HOURS = {
    "OFFER_PENDING": 48,
    "NEGOTIATING": 72,
    "AWAITING_PAYMENT": 24,
    "FUNDED": 72,
    "CREATIVE_SUBMITTED": 48,
    "DELIVERY_VERIFYING": 24,
}
_EVENT_TYPES = {
    "OFFER_PENDING": "OFFER_SUBMITTED",
    "ACCEPTED": "OFFER_ACCEPTED",
    "FUNDED": "FUNDED",
    "CREATIVE_SUBMITTED": "CREATIVE_SUBMITTED",
    "CREATIVE_APPROVED": "CREATIVE_APPROVED",
    "PUBLISHED": "PUBLISHED",
    "COMPLETED_RELEASED": "COMPLETED",
    "DISPUTED": "DISPUTED",
    "CANCELLED": "CANCELLED",
    "EXPIRED": "EXPIRED",
    "REFUNDED": "REFUNDED",
}
_MESSAGES = {
    "OFFER_PENDING": ("NEW_OFFER", "owner_id"),
    "ACCEPTED": ("OFFER_ACCEPTED", "advertiser_id"),
    "FUNDED": ("ESCROW_FUNDED", "owner_id"),
    "CREATIVE_SUBMITTED": ("CREATIVE_SUBMITTED", "advertiser_id"),
    "CREATIVE_APPROVED": ("CREATIVE_APPROVED", "owner_id"),
    "PUBLISHED": ("PUBLISHED", "advertiser_id"),
    "COMPLETED_RELEASED": ("DELIVERY_VERIFIED", "advertiser_id"),
    "DISPUTED": ("DISPUTE_OPENED", "owner_id"),
    "CANCELLED": ("DEAL_CANCELLED", "owner_id"),
    "EXPIRED": ("DEAL_EXPIRED", "advertiser_id"),
    "REFUNDED": ("DISPUTE_RESOLVED", "advertiser_id"),
    "PARTIALLY_REFUNDED": ("DISPUTE_RESOLVED", "advertiser_id"),
}
_BY_ADVERTISER = {"DRAFT", "OFFER_PENDING", "CREATIVE_APPROVED", "CANCELLED"}
_BY_CHANNEL = {"NEGOTIATING", "ACCEPTED", "CREATIVE_SUBMITTED", "SCHEDULED"}
_CHECK_HOURS = (1, 4, 8, 16, 24)


class DealLife:
    """One deal; `live` is the process that takes it from draft to its end."""

    def __init__(self, market: Market, plan: Plan, channel: Channel, advertiser_id: int) -> None:
        self.market, self.plan, self.channel = market, plan, channel
        self.timeline, self.rng = market.timeline, market.rng
        self.message_id = self.rng.randrange(1_000, 900_000)
        self.version = 0
        columns = (column.name for column in market.outbox.tables["deals"].columns)
        self.row: Row = dict.fromkeys(columns) | {
            "id": uuid4(self.rng),
            "advertiser_id": advertiser_id,
            "channel_id": channel.channel_id,
            "owner_id": channel.owner_id,
            "amount_nano": plan.amount_nano,
            "creative_brief": {"text_requirements": "Short and friendly", "required_links": [], "forbidden_words": []},
        }
        self.deal = Deal(market, plan, channel, self.row)
        self.escrow = Escrow(self.deal)

    def live(self) -> Process:
        """Go through the planned statuses, waiting in each until something happens."""
        self.row["created_at"] = self.timeline.now
        for status in self._path():
            if self.row["status"]:
                yield from self._wait_for(status)
            self._enter(status)

    def _path(self) -> Iterator[str]:
        """The statuses to go through: the straight way as far as the plan's ending, then the ending."""
        plan = self.plan
        way = ["DRAFT", "OFFER_PENDING", *["NEGOTIATING"] * plan.negotiated, "ACCEPTED", "AWAITING_PAYMENT", "FUNDED"]
        way += ["CREATIVE_SUBMITTED", "FUNDED"] * plan.revisions
        way += ["CREATIVE_SUBMITTED", "CREATIVE_APPROVED", *["SCHEDULED"] * plan.scheduled]
        way += ["PUBLISHED", "DELIVERY_VERIFYING"]
        leaves, ending = plan.ending
        last = len(way) - 1 - way[::-1].index(leaves)
        yield from way[: last + 1]
        yield ending
        if ending == "DISPUTED":
            yield plan.dispute_outcome

    def _wait_for(self, status: str) -> Process:
        """Wait in the current status for what leads to the next one."""
        current = self.row["status"]
        if status == "EXPIRED":
            if current == "AWAITING_PAYMENT" and self.plan.oddity == "paid in part":
                self.timeline.start(self.escrow.deposit_in_part())
            # Timeouts are polled, with five minutes of grace.
            yield timedelta(hours=_TIMEOUT_HOURS[current], seconds=self.rng.uniform(1, 360))
        elif current == "SCHEDULED":
            yield self.timeline.until(self.row["scheduled_at"]) + timedelta(seconds=self.rng.uniform(0.1, 5))
        elif current == "DELIVERY_VERIFYING":
            yield from self._check_post()
            if self.plan.released_at:
                # One leg's gap and a half before the instant, so that a release of three legs lies on both sides.
                yield self.timeline.until(self.plan.released_at - LEG_GAP * 3 / 2)
        else:
            yield timedelta(hours=self.rng.uniform(*_HOURS[current]))
        if status == "FUNDED" and current == "AWAITING_PAYMENT":
            yield from self.escrow.deposit()

    def _enter(self, status: str) -> None:
        """Change the status: event, row, money, message."""
        now = self.timeline.now
        event: Row = {
            "event_id": uuid4(self.rng),
            "deal_id": self.row["id"],
            "event_type": _EVENT_TYPES.get(status, "DEAL_STATE_CHANGED"),
            "from_status": self.row["status"],
            "to_status": status,
            "actor_id": self._actor(status),
            "payload": {"deal_amount_nano": self.row["amount_nano"], "channel_id": self.row["channel_id"]},
            "created_at": now,
        }
        revision = status == "FUNDED" and self.row["funded_at"] is not None
        if revision:
            event |= {"event_type": "DEAL_STATE_CHANGED", "actor_id": self.row["advertiser_id"]}
        if status == "PARTIALLY_REFUNDED":
            event["payload"] |= self.escrow.split()
        self.market.outbox.add("deal_events", event, now)
        self._keep_columns(status)
        self._move_money(event)
        if status == "DISPUTED":
            self._submit_evidence()
        if status in _MESSAGES:
            message, recipient = ("REVISION_REQUESTED", "owner_id") if revision else _MESSAGES[status]
            self.market.messenger.notify(message, self.row[recipient], self.row["id"])

    def _actor(self, status: str) -> int | None:
        """Who brings a status about; nobody for what the platform does by itself."""
        if self.row["status"] == "DISPUTED":
            return self.rng.choice(self.market.operator_ids)
        if status in _BY_ADVERTISER:
            return int(self.row["advertiser_id"])
        if status in _BY_CHANNEL:
            return self.rng.choice((self.channel.owner_id, *self.channel.manager_ids))
        return None

    def _keep_columns(self, status: str) -> None:
        """Write the deal's row as the status leaves it."""
        now = self.timeline.now
        if status == "AWAITING_PAYMENT":
            self.row["deposit_address"] = self.market.chain.new_address()
        elif status == "FUNDED":
            self.row["funded_at"] = self.row["funded_at"] or now
        elif status == "CREATIVE_SUBMITTED":
            self.version += 1
            self.row["creative_draft"] = {"text": f"Draft {self.version}", "media": [], "version": self.version}
        elif status == "SCHEDULED":
            slot = now + timedelta(hours=self.rng.uniform(0.5, 20))
            if self.plan.released_at:
                # A day for the checks, an hour for one that has to be repeated.
                slot = self.plan.released_at - timedelta(hours=25)
            self.row["scheduled_at"] = slot
        elif status == "PUBLISHED":
            self.row["published_at"] = now
        hours = _TIMEOUT_HOURS.get(status)
        self.deal.save(status=status, deadline_at=now + timedelta(hours=hours) if hours else None)

    def _move_money(self, event: Row) -> None:
        """Fund, release or refund the escrow as the change of status demands."""
        status, before = event["to_status"], event["from_status"]
        operator_id = event["actor_id"] if before == "DISPUTED" else None
        if status == "FUNDED" and before == "AWAITING_PAYMENT":
            self.escrow.fund()
        elif status == "COMPLETED_RELEASED":
            self.escrow.release(operator_id)
        elif status in ("CANCELLED", "EXPIRED", "REFUNDED") and self.row["funded_at"]:
            self.escrow.refund(operator_id)
        elif status == "PARTIALLY_REFUNDED":
            self.escrow.refund_in_part(operator_id)
        elif status == "EXPIRED" and self.escrow.part:
            self.escrow.return_part()
        elif status == "CANCELLED" and self.plan.oddity == "deposit after cancelling":
            self.timeline.start(self.escrow.deposit_too_late())

    def _check_post(self) -> Process:
        """Look at the post on schedule for a day, or until it is found deleted or edited."""
        published_at = self.row["published_at"]
        spoilt_at = self.rng.choice(_CHECK_HOURS) if self.plan.ending[1] == "DISPUTED" else 0
        for hours in _CHECK_HOURS:
            yield self.timeline.until(published_at + timedelta(hours=hours, seconds=self.rng.uniform(1, 60)))
            if self.rng.random() < 0.04:
                # The failed look may be reported days late; it decides nothing.
                self._record_check(hours, "API_ERROR", self.rng.choice((0, 0, 1, 2)))
                yield timedelta(minutes=30)
            spoilt = hours == spoilt_at
            self._record_check(hours, self.rng.choice(("DELETED", "EDITED")) if spoilt else "OK", 0)
            if spoilt:
                self.escrow.live_until = self.timeline.now
                return
        yield timedelta(seconds=self.rng.uniform(1, 240))

    def _record_check(self, hours: int, result: str, late_days: int) -> None:
        check: Row = {
            "id": uuid4(self.rng),
            "deal_id": self.row["id"],
            "message_id": self.message_id,
            "result": result,
            "details": {"scheduled_hours": hours},
            "checked_at": self.timeline.now,
        }
        self.market.outbox.add("posting_checks", check, self.timeline.now, late_days)

    def _submit_evidence(self) -> None:
        """One to three pieces of evidence, each sealed by the hash of its content."""
        for _ in range(self.rng.randrange(1, 4)):
            kind = self.rng.choice(("SCREENSHOT", "TEXT", "LINK", "SYSTEM_CHECK"))
            by_system = kind == "SYSTEM_CHECK"
            content = {"kind": kind.lower(), "reference": f"{self.rng.getrandbits(64):016x}"}
            evidence: Row = {
                "id": uuid4(self.rng),
                "deal_id": self.row["id"],
                "submitted_by": self.market.operator_ids[0] if by_system else self.row["advertiser_id"],
                "evidence_type": kind,
                "content": content,
                "content_hash": sha256(dumps(content, sort_keys=True).encode()).hexdigest(),
                "created_at": self.timeline.now,
            }
            self.market.outbox.add("dispute_evidence", evidence, self.timeline.now)
