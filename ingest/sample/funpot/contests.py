"""Events of the FunPot sample: opened, voted on, closed or cancelled, and settled by the rules of their game.

The division of the pool is written here a second time, in plain fractions, so that the warehouse's own has something
to be compared with.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple
from uuid import UUID

from ingest.sample.funpot.wallets import Clock, Wallets
from ingest.sample.outbox import Outbox, Row, uuid4

Vote = Row
_VOTERS = (8, 30)
_STAKE_MULTIPLES = (1, 1, 1, 2, 5)
_ROLLED_BACK = 0.01
_LATE = 0.01  # votes that reach the warehouse a day after their own
_OUTCOMES = {"win": 78, "no_winner": 6, "draw": 6, "dead_heat": 5, "scratched": 5}
_CANCELLED = 0.05


class Settlement(NamedTuple):
    """The rules by which an event settles, as `games.rules_json` may tell them."""

    fee_bps: int = 0
    payout_step: int = 1
    no_winner: str = "house_keeps"
    dead_heat: str = "split_pool"


@dataclass(frozen=True)
class Template:
    """What the events of one game have in common: the question, its options, the price of a vote, the rules."""

    title: str
    options: tuple[str, ...]
    cost: int
    rules: Any
    plain_options: bool = False

    @property
    def settlement(self) -> Settlement:
        """The rules it settles by; the defaults where its own do not speak of them."""
        known = self.rules if isinstance(self.rules, dict) else {}
        return Settlement(**{name: known[name] for name in Settlement._fields if name in known})


@dataclass
class Contest:
    """One event while it lives: its row, and the votes taken."""

    row: Row
    template: Template
    votes: list[Vote] = field(default_factory=list)


def divide_pool(
    votes: Sequence[Vote], settlement: Settlement, winning: set[str], refunded: set[str]
) -> Iterator[tuple[Vote, str, int]]:
    """(vote, ledger reason, points) for every vote that gets something back: its stake, or its share of the pool."""
    yield from ((vote, "vote_cost", vote["cost_int"]) for vote in votes if vote["option_id"] in refunded)
    pool = [vote for vote in votes if vote["option_id"] not in refunded]
    distributable = sum(vote["cost_int"] - vote["cost_int"] * settlement.fee_bps // 10_000 for vote in pool)
    staked: dict[str, int] = {}
    for vote in pool:
        if vote["option_id"] in winning and vote["cost_int"]:
            staked[vote["option_id"]] = staked.get(vote["option_id"], 0) + vote["cost_int"]
    if not staked and settlement.no_winner == "refund":
        yield from ((vote, "vote_cost", vote["cost_int"]) for vote in pool)
    profit = distributable - sum(staked.values())
    for vote in pool:
        if vote["option_id"] in staked:
            part = Fraction(vote["cost_int"], len(staked) * staked[vote["option_id"]])
            if settlement.dead_heat == "split_pool":
                share = distributable * part
            elif profit >= 0:
                share = vote["cost_int"] + profit * part
            else:
                share = Fraction(distributable * vote["cost_int"], sum(staked.values()))
            yield vote, "reward", int(share / settlement.payout_step) * settlement.payout_step


@dataclass
class Arena:
    """All events of the platform; votes move money in `wallets`."""

    outbox: Outbox
    rng: random.Random
    clock: Clock
    wallets: Wallets
    members: list[UUID]

    def open(self, streamer_id: UUID, game_id: UUID | None, template: Template, at: datetime) -> None:
        """A new event: a clip of the stream, a question, and members who will vote on it."""
        duration = timedelta(minutes=self.rng.choice((3, 5, 5, 8)))
        labels = [{"id": option.lower().replace(" ", "_"), "label": option} for option in template.options]
        row: Row = {
            "id": uuid4(self.rng),
            "streamer_id": streamer_id,
            "game_id": game_id,
            "title": template.title,
            "options_json": [label["id"] for label in labels] if template.plain_options else labels,
            "state": "live",
            "closes_at": at + duration,
            "totals_json": {label["id"]: 0 for label in labels},
            "result_json": None,
            "source_clip_id": self._record_clip(streamer_id, at) if self.rng.random() < 0.8 else None,
            "prompt_versions_json": {"session": "v3", "game": "v1", "perClip": "v7"},
            "confidence": Decimal(f"{self.rng.uniform(0.55, 0.99):.2f}"),
            "created_at": at,
            "updated_at": at,
        }
        contest = Contest(row, template)
        self._change(contest, at)
        for user_id in self.rng.sample(self.members, min(self.rng.randint(*_VOTERS), len(self.members))):
            moment = at + (duration - timedelta(seconds=4)) * self.rng.random() + timedelta(seconds=2)
            self.clock.at(moment, lambda now, user_id=user_id: self._vote(contest, user_id, now))  # type: ignore[misc]
        if self.rng.random() < _CANCELLED:
            self.clock.at(at + duration * self.rng.random(), lambda now: self._cancel(contest, now))
        self.clock.at(at + duration, lambda now: self._close(contest, now))

    def _vote(self, contest: Contest, user_id: UUID, at: datetime) -> None:
        if contest.row["state"] != "live":
            return
        stake = contest.template.cost * self.rng.choice(_STAKE_MULTIPLES)
        if self.wallets.balances[user_id] < stake:
            self.wallets.top_up(user_id, at)
            return
        vote_id = uuid4(self.rng)
        key = f"vote:{vote_id}"
        if stake:
            self.wallets.post(user_id, "debit", stake, "vote_cost", vote_id, key, at)
        undone = at + timedelta(seconds=1)
        if stake and undone < self.clock.end and self.rng.random() < _ROLLED_BACK:
            self.clock.at(
                undone,
                lambda now: self.wallets.post(user_id, "credit", stake, "vote_cost", vote_id, f"{key}:rollback", now),
            )
            return
        option_ids = list(contest.row["totals_json"])
        weights = range(len(option_ids), 0, -1)
        vote: Vote = {
            "id": vote_id,
            "event_id": contest.row["id"],
            "user_id": user_id,
            "option_id": self.rng.choices(option_ids, weights)[0],
            "cost_int": stake,
            "idempotency_key": key,
            "created_at": at,
        }
        self.outbox.add("votes", vote, at, late_days=1 if self.rng.random() < _LATE else 0)
        contest.votes.append(vote)
        totals = contest.row["totals_json"]
        self._change(contest, at, totals_json=totals | {vote["option_id"]: totals[vote["option_id"]] + 1})
        if self.rng.random() < 0.03:
            self._remember_key(vote, at)

    def _close(self, contest: Contest, at: datetime) -> None:
        if contest.row["state"] != "live":
            return
        self._change(contest, at, state="closed")
        self.clock.at(at + timedelta(seconds=self.rng.randint(30, 1800)), lambda now: self._settle(contest, now))

    def _cancel(self, contest: Contest, at: datetime) -> None:
        self._change(contest, at, state="cancelled")
        self._pay(contest, ((vote, "vote_cost", vote["cost_int"]) for vote in contest.votes), at)

    def _settle(self, contest: Contest, at: datetime) -> None:
        kind, winning, refunded = self._decide(contest)
        results: dict[str, Row] = {
            "draw": {"result": "draw"},
            "dead_heat": {"winning_options": winning},
            "scratched": {"winning_options": winning, "refunded_options": refunded},
        }
        result = results[kind] if kind in results else {"optionId": winning[0]}
        if kind == "draw":
            refunded = list(contest.row["totals_json"])
        returned = divide_pool(contest.votes, contest.template.settlement, set(winning), set(refunded))
        self._change(contest, at, result_json={**result, "totals": contest.row["totals_json"]})
        self._pay(contest, returned, at)

    def _decide(self, contest: Contest) -> tuple[str, list[str], list[str]]:
        """The kind of result, the winning options, and those whose stakes go back."""
        options = list(contest.row["totals_json"])
        kind = self.rng.choices(list(_OUTCOMES), list(_OUTCOMES.values()))[0]
        without_votes = [option for option in options if not contest.row["totals_json"][option]]
        if kind == "no_winner" and without_votes:
            return kind, without_votes[:1], []
        if len(options) < 3 or kind in ("win", "no_winner"):
            return "draw" if kind == "draw" else "win", [self.rng.choice(options)], []
        first, second, third = self.rng.sample(options, 3)
        chosen: dict[str, tuple[list[str], list[str]]] = {
            "draw": ([], []),
            "dead_heat": ([first, second], []),
            "scratched": ([first], [third]),
        }
        return kind, *chosen[kind]

    def _pay(self, contest: Contest, returned: Iterator[tuple[Vote, str, int]], at: datetime) -> None:
        event_id = contest.row["id"]
        for vote, reason, points in returned:
            if points:
                purpose, ref = ("settlement", event_id) if reason == "reward" else ("refund", vote["id"])
                key = f"event_{purpose}:{event_id}:{vote['user_id']}:{vote['id']}"
                self.wallets.post(vote["user_id"], "credit", points, reason, ref, key, at)

    def _change(self, contest: Contest, at: datetime, **changes: Any) -> None:
        contest.row |= {**changes, "updated_at": at}
        self.outbox.put("events", contest.row, at)

    def _record_clip(self, streamer_id: UUID, at: datetime) -> UUID:
        clip_id = uuid4(self.rng)
        stored = at - timedelta(seconds=20)
        row: Row = {
            "id": clip_id,
            "streamer_id": streamer_id,
            "url": f"https://clips.example/{clip_id}.mp4",
            "thumbnail_url": f"https://clips.example/{clip_id}.jpg",
            "started_at": stored - timedelta(seconds=self.rng.randint(40, 90)),
            "duration_sec": 30,
            "source": "bunny",
            "created_at": stored,
        }
        self.outbox.put("media_clips", row, stored)
        return clip_id

    def _remember_key(self, vote: Vote, at: datetime) -> None:
        row: Row = {
            "id": uuid4(self.rng),
            "key": vote["idempotency_key"],
            "first_seen_at": at,
            "last_seen_at": at,
            "response_cache_json": {"voteId": vote["id"], "status": "accepted"},
        }
        self.outbox.put("idempotency", row, at)
