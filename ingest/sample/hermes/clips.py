"""What the Hermes server and its staff do: clips, markets, prices, decisions, and the audit log of it.

Nobody picks here; `hermes` lets people play these clips.
"""

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

from ingest.sample.hermes.vocabulary import QUESTIONS, Question
from ingest.sample.outbox import Outbox, Row, uuid4

SELECTION_TIME = timedelta(seconds=90)
_SPORTS = (
    ("football", "Corner", "Hörna"),
    ("tennis", "Rally", "Bollduell"),
    ("ice_hockey", "Penalty", "Straff"),
)
_PREVIEW = {"preview_start_ms": 0, "preview_end_ms": 90_000}
_REVEAL = {"reveal_start_ms": 90_000, "reveal_end_ms": 110_000}


@dataclass
class Market:
    """One question about a clip, with its outcomes, their chances in percent, and its prices so far."""

    id: UUID
    row: Row
    outcomes: list[UUID]
    chances: list[int]
    versions: list[Row] = field(default_factory=list)

    def version_at(self, at: datetime) -> Row:
        """The prices that hold at an instant."""
        return [version for version in self.versions if version["created_at"] <= at][-1]


@dataclass
class Clip:
    """One clip as it is played; `voided_at` is when the server withdrew it."""

    number: int
    event: Row
    opens_at: datetime
    voided_at: datetime | None
    markets: list[Market] = field(default_factory=list)

    @property
    def lock_at(self) -> datetime:
        """When picks close."""
        return self.opens_at + SELECTION_TIME

    @property
    def is_superseded(self) -> bool:
        """True for the clips that are decided twice; the 12th is one, so that three days hold it."""
        return self.number % 29 == 11


@dataclass
class Server:
    """Writes everything that is not a player's doing."""

    outbox: Outbox
    rng: random.Random
    clips: int = 0

    def log(self, at: datetime, action: str, target: UUID, actor: UUID | None = None, **facts: object) -> None:
        """Write an audit log entry; `action` is `<kind of target>.<what was done>`."""
        entry: Row = {
            "id": uuid4(self.rng),
            "created_at": at,
            "action_name": action,
            "target_id": str(target),
        }
        entry |= {"actor_type": "user" if actor else "system", "actor_id": str(actor) if actor else None}
        trace = f"{self.rng.getrandbits(64):016x}"
        entry |= {"target_type": action.partition(".")[0], "trace_id": trace, "note": None}
        self.outbox.add("audit_logs", entry, at)
        for key, value in facts.items():
            fact = {"id": uuid4(self.rng), "audit_log_id": entry["id"], "attribute_key": key}
            self.outbox.add("audit_log_attributes", fact | {"attribute_value": str(value)}, at)

    def publish(self, opens_at: datetime, published_at: datetime) -> Clip:
        """Announce a clip with its media, markets and first prices."""
        number = self.clips
        self.clips += 1
        sport, title_en, title_sv = _SPORTS[number % len(_SPORTS)]
        lock_at = opens_at + SELECTION_TIME
        event: Row = {"id": uuid4(self.rng), "sport_type": sport, "source_ref": f"archive/{number:05d}"}
        event |= {
            "title_en": f"{title_en} {number}",
            "title_sv": f"{title_sv} {number}",
            "status": "scheduled",
        }
        event |= {"lock_at": lock_at, "settle_at": lock_at + timedelta(seconds=20), **_PREVIEW, **_REVEAL}
        self.outbox.put("events", event, published_at)
        stream = f"https://media.example/{number:05d}"
        media: Row = {
            "id": uuid4(self.rng),
            "event_id": event["id"],
            "media_type": "hls",
            "duration_ms": 112_000,
        }
        media |= {"hls_master_url": f"{stream}/master.m3u8", "poster_url": f"{stream}/poster.jpg"}
        self.outbox.put("event_media", media | _PREVIEW | _REVEAL, published_at)
        self.log(published_at, "event.published", event["id"])
        withdrawn = number % 31 == 17
        clip = Clip(number, event, opens_at, lock_at - timedelta(seconds=30) if withdrawn else None)
        questions = QUESTIONS[:2] if number % 10 == 3 else (QUESTIONS[number % 3],)
        clip.markets = [self._open(clip, question, published_at) for question in questions]
        return clip

    def move_prices(self, clip: Clip) -> None:
        """Publish up to two further versions of each market while picks are open."""
        for market in clip.markets:
            for second in (20, 50)[: self.rng.randrange(3)]:
                shift = self.rng.randrange(-4, 5)
                market.chances[0] += shift
                market.chances[-1] -= shift
                self._price(market, clip.opens_at + timedelta(seconds=second))

    def lock(self, clip: Clip) -> None:
        """Close the picks of a clip."""
        self._restate(clip, "locked", clip.lock_at)

    def finish(self, clip: Clip) -> None:
        """Decide every market of a clip, or void them all when the clip was withdrawn."""
        if clip.voided_at:
            self._restate(clip, "void", clip.voided_at)
            for market in clip.markets:
                self.log(clip.voided_at, "market.voided", market.id)
            return
        settled_at = clip.event["settle_at"]
        self._restate(clip, "settled", settled_at)
        for market in clip.markets:
            winner = self.rng.choices(market.outcomes, market.chances)[0]
            first = self._settle(market, winner, settled_at)
            if clip.is_superseded:
                # The next day if there is one: marts then change an answer that they gave before.
                last_minute = self.outbox.period.end - timedelta(minutes=1)
                again_at = min(settled_at + timedelta(hours=20), last_minute)
                self._settle(market, next(other for other in market.outcomes if other != winner), again_at)
                self.log(again_at, "settlement.superseded", first, market_id=market.id)

    def _restate(self, clip: Clip, status: str, at: datetime) -> None:
        clip.event["status"] = status
        self.outbox.put("events", clip.event, at)
        for market in clip.markets:
            market.row["status"] = status
            self.outbox.put("markets", market.row, at)

    def _open(self, clip: Clip, question: Question, at: datetime) -> Market:
        row: Row = {"id": uuid4(self.rng), "event_id": clip.event["id"], "question_key": question.key}
        row |= {"market_type": question.market_type, "settlement_rule_key": "clip_result"}
        row |= {"status": "open", "lock_at": clip.lock_at}
        self.outbox.put("markets", row, at)
        first = self.rng.randrange(35, 60)
        chances = [first, 100 - first] if len(question.outcome_codes) == 2 else [first - 5, 30, 75 - first]
        market = Market(row["id"], row, [], chances)
        for order, code in enumerate(question.outcome_codes):
            outcome: Row = {"id": uuid4(self.rng), "market_id": market.id, "outcome_code": code}
            outcome |= {"label_key": f"label.{code.lower()}", "sort_order": order}
            self.outbox.put("outcomes", outcome, at)
            market.outcomes.append(outcome["id"])
        self._price(market, at)
        return market

    def _price(self, market: Market, at: datetime) -> None:
        if market.versions:
            market.versions[-1]["is_current"] = False
            self.outbox.put("odds_versions", market.versions[-1], at)
        version: Row = {"id": uuid4(self.rng), "market_id": market.id, "version_no": len(market.versions) + 1}
        version |= {"created_at": at, "is_current": True}
        market.versions.append(version)
        self.outbox.put("odds_versions", version, at)
        self.log(at, "odds_version.published", version["id"])
        for outcome_id, chance in zip(market.outcomes, market.chances, strict=True):
            twentieths = 200_000 // (106 * chance)  # 20 * 100 / (1.06 * chance): six percent margin
            fraction = Fraction(twentieths - 20, 20)
            price: Row = {"id": uuid4(self.rng), "odds_version_id": version["id"], "outcome_id": outcome_id}
            price |= {"decimal_odds": Decimal(twentieths * 5).scaleb(-2)}
            price |= {"fractional_num": fraction.numerator, "fractional_den": fraction.denominator}
            self.outbox.add("outcome_odds", price, at)

    def _settle(self, market: Market, winner: UUID, at: datetime) -> UUID:
        key = uuid4(self.rng)
        row = {"id": key, "market_id": market.id, "settled_at": at, "winning_outcome_id": winner}
        self.outbox.put("settlements", row, at)
        self.log(at, "settlement.recorded", key, winning_outcome_id=winner)
        return key
