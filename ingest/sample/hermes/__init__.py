"""The sample of hermes: people join shows of five clips, pick before the lock, and their devices report it.

Every oddity comes at a fixed count of picks, sessions or clips, so that one week of sample holds them all.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from ingest.sample.hermes.clips import Clip, Market, Server
from ingest.sample.hermes.vocabulary import write_event_types, write_texts
from ingest.sample.outbox import Outbox, Period, Row, uuid4

CLIPS_PER_SHOW = 5
CLIP_SPACING = timedelta(minutes=3)
# At scale 1, 60 days hold 720 sessions, 3,750 picks and 16,800 telemetry events.
PLAYERS = 120
PLAYERS_PER_SHOW = 6

_ODDITIES = {
    5: "retry",
    11: "late",
    17: "second pick",
    23: "stale",
    26: "retry",
    29: "dead session",
    35: "no outcome",
    41: "other",
    47: "at the lock",
}  # by number of the pick, modulo 53
_ANSWERS = {"accepted": "selection_accepted", "rejected_duplicate": "duplicate_selection_attempt"}


@dataclass
class Player:
    """A participant; the arm is drawn once for the whole study."""

    id: UUID
    language: str
    variant: str
    platform: str
    ended_session: UUID | None = None


@dataclass
class Session:
    """One sitting; what the device reports after `flushed_until` arrives `late_days` later."""

    id: UUID
    player: Player
    flushed_until: datetime
    late_days: int


def simulate(outbox: Outbox, period: Period, rng: random.Random, scale: int) -> None:
    """Write the study's rows for the period; `scale` multiplies participants and players per show."""
    study = Study(outbox, rng)
    players = [study.enrol(number) for number in range(PLAYERS * scale)]
    shows = list(_shows(period))
    for show_at in shows:
        clips = study.schedule(show_at, max(show_at - timedelta(hours=20), period.start))
        for clip in clips:
            study.server.move_prices(clip)
        for player in rng.sample(players, PLAYERS_PER_SHOW * scale):
            study.play(player, clips)
        # The sample ends between the lock and the result of its last clip, with the next show announced.
        unfinished = clips[-1] if show_at == shows[-1] else None
        for clip in clips:
            (study.server.lock if clip is unfinished else study.server.finish)(clip)
    study.schedule(period.end + timedelta(hours=12), period.end - timedelta(hours=2))


def _shows(period: Period) -> Iterator[datetime]:
    """Two shows a day; every third evening runs over midnight, so that sessions fall on two days."""
    for day in range(period.days):
        midnight = period.start + timedelta(days=day)
        yield midnight + timedelta(hours=12)
        over_midnight = day % 3 == 0 and day < period.days - 1
        yield midnight + (timedelta(hours=23, minutes=50) if over_midnight else timedelta(hours=20))


class Study:
    """Writes what participants and their devices do."""

    def __init__(self, outbox: Outbox, rng: random.Random) -> None:
        """Write the app's vocabulary, which everything else refers to."""
        self.outbox, self.rng = outbox, rng
        self.server = Server(outbox, rng)
        write_texts(outbox, rng)
        self.event_types = write_event_types(outbox, rng)
        self.sessions = self.picks = 0

    def enrol(self, number: int) -> Player:
        """Write one participant; arms alternate, two of three ask for English, one of four in each arm has Android."""
        language, variant = "sv" if number % 3 == 0 else "en", ("control", "modern")[number % 2]
        player = Player(uuid4(self.rng), language, variant, "ios" if number // 2 % 4 else "android")
        start = self.outbox.period.start
        row: Row = {"id": player.id, "external_ref": f"P-{number:05d}", "preferred_language": language}
        row |= {"created_at": start - timedelta(minutes=number + 1), "device_platform": player.platform}
        self.outbox.put("users", row, start)
        return player

    def schedule(self, show_at: datetime, published_at: datetime) -> list[Clip]:
        """Publish the clips of one show."""
        return [self.server.publish(show_at + n * CLIP_SPACING, published_at) for n in range(CLIPS_PER_SHOW)]

    def play(self, player: Player, clips: list[Clip]) -> None:
        """Let a participant sit through one show; one session in 37 never ends, as the app died."""
        self.sessions += 1
        started_at = clips[0].opens_at - self.between(10, 120)
        ended_at = clips[-1].lock_at + self.between(30, 200)
        locale = player.language if self.sessions % 11 else "en"
        late_days = 1 + self.sessions % 3 if self.sessions % 23 == 4 else 0
        session = Session(uuid4(self.rng), player, clips[2].opens_at, late_days)
        row: Row = {"id": session.id, "user_id": player.id, "started_at": started_at, "ended_at": None}
        row |= {"experiment_variant": player.variant, "locale_code": locale, "app_version": "1.4.0"}
        row |= {"device_model": "iPhone15,2" if player.platform == "ios" else "Pixel 8", "os_version": "17"}
        self.outbox.put("sessions", row, started_at)
        self.server.log(started_at, "session.started", session.id, player.id)
        assignment: Row = {"id": uuid4(self.rng), "user_id": player.id, "session_id": session.id}
        assignment |= {"variant": player.variant, "assigned_at": started_at}
        self.outbox.add("experiment_assignments", assignment, started_at)
        self.report(session, "app_opened", started_at, network_type="wifi", device_orientation="portrait")
        arm = {"locale_code": locale, "experiment_variant": player.variant}
        self.report(session, "session_started", started_at, **arm)
        for clip in clips:
            self.watch(session, clip)
        if self.sessions % 37 != 5:
            self.report(session, "session_ended", ended_at, screen_name="feed", locale_code=locale)
            self.outbox.put("sessions", row | {"ended_at": ended_at}, ended_at)
            player.ended_session = session.id

    def watch(self, session: Session, clip: Clip) -> None:
        """Play one clip: pick in nine of ten markets, miss the others."""
        event_id = clip.event["id"]
        started_at = clip.opens_at + self.between(0, 3)
        self.report(session, "preview_started", started_at, event_id=event_id, playback_position_ms=0)
        for market in clip.markets:
            about: Row = {"market_id": market.id}
            if self.rng.random() < 0.1:
                self.report(session, "market_locked", clip.lock_at, countdown_ms_remaining=0, **about)
                continue
            self.pick(session, clip, market)
            if not clip.voided_at:
                viewed_at = clip.event["settle_at"] + self.between(1, 6)
                self.report(session, "result_viewed", viewed_at, event_id=event_id, **about)
                # The modern arm asks for a further round a little more often.
                if self.rng.random() < (0.5 if session.player.variant == "modern" else 0.4):
                    self.report(session, "next_round_requested", viewed_at + self.between(1, 5))

    def pick(self, session: Session, clip: Clip, market: Market) -> None:
        """Submit a pick for one market, with the oddity that is due."""
        self.picks += 1
        oddity = _ODDITIES.get(self.picks % 53, "")
        at = self._received_at(oddity, clip, market)
        intent = self._intent(session, clip, market, at)
        self._select(session, clip, intent)
        intent |= self._verdict(oddity, at, session, clip, market)
        self._submit(session, market, intent)
        if intent["acceptance_code"] != "accepted":
            return
        later = at + timedelta(milliseconds=400)
        if oddity == "retry" and market.version_at(later) is market.version_at(at):
            self._record(session, market, intent | {"id": uuid4(self.rng), "server_received_at": later})
        if oddity == "second pick":
            again = self._intent(session, clip, market, at + timedelta(seconds=3))
            self._submit(session, market, again | {"acceptance_code": "rejected_duplicate"})

    def _select(self, session: Session, clip: Clip, intent: Row) -> None:
        """Report the selection of an outcome, with what the countdown still showed."""
        selected_at: datetime = intent["client_sent_at"] - timedelta(milliseconds=300)
        remaining_ms = max(clip.lock_at - selected_at, timedelta()) // timedelta(milliseconds=1)
        about = {"market_id": intent["market_id"], "outcome_id": intent["outcome_id"]}
        self.report(session, "outcome_selected", selected_at, countdown_ms_remaining=remaining_ms, **about)

    def _received_at(self, oddity: str, clip: Clip, market: Market) -> datetime:
        if oddity == "late":
            return clip.lock_at + self.between(0, 3)
        if oddity == "at the lock":
            return clip.lock_at  # the boundary instant counts as late
        if oddity == "stale" and len(market.versions) > 1:
            changed_at: datetime = market.versions[-1]["created_at"]
            return changed_at + timedelta(milliseconds=200)
        return clip.opens_at + self.between(10, 85)

    def _intent(self, session: Session, clip: Clip, market: Market, at: datetime) -> Row:
        # Every nineteenth device clock runs ahead: the network latency of the pick is negative.
        latency = self.between(-0.25, -0.01) if self.picks % 19 == 3 else self.between(0.04, 0.9)
        row: Row = {"id": uuid4(self.rng), "user_id": session.player.id, "session_id": session.id}
        row |= {"event_id": clip.event["id"], "market_id": market.id}
        row |= {"outcome_id": self.rng.choice(market.outcomes), "server_received_at": at}
        return row | {"idempotency_key": f"{self.rng.getrandbits(80):020x}", "client_sent_at": at - latency}

    def _verdict(self, oddity: str, at: datetime, session: Session, clip: Clip, market: Market) -> Row:
        """The server's code for a pick, with what of the pick it could not resolve."""
        if at >= clip.lock_at:
            return {"acceptance_code": "rejected_locked"}
        if clip.voided_at and at >= clip.voided_at:
            return {"acceptance_code": "rejected_invalid_market"}
        if oddity == "dead session" and session.player.ended_session:
            return {"acceptance_code": "rejected_invalid_session", "session_id": session.player.ended_session}
        if oddity == "no outcome":
            return {"acceptance_code": "rejected_invalid_outcome", "outcome_id": None}
        if oddity == "stale" and len(market.versions) > 1:
            return {"acceptance_code": "rejected_stale_odds"}
        return {"acceptance_code": "rejected_other" if oddity == "other" else "accepted"}

    def _submit(self, session: Session, market: Market, intent: Row) -> None:
        """Record a pick, and the answer that the device hears once, however often it sends."""
        self._record(session, market, intent)
        received_at: datetime = intent["server_received_at"]
        latency_ms = (received_at - intent["client_sent_at"]) // timedelta(milliseconds=1)
        name = _ANSWERS.get(intent["acceptance_code"], "selection_rejected")
        about = {"market_id": market.id, "latency_ms": latency_ms}
        self.report(session, "selection_submitted", intent["client_sent_at"], market_id=market.id)
        # One answer in 71 is lost: the device was killed before it could send its buffer.
        if self.picks % 71 == 13:
            return
        self.report(session, name, received_at + timedelta(milliseconds=60), **about)

    def _record(self, session: Session, market: Market, intent: Row) -> None:
        at, accepted = intent["server_received_at"], intent["acceptance_code"] == "accepted"
        version = market.version_at(at)["id"] if accepted else None
        self.outbox.add("bet_intents", intent | {"accepted": accepted, "accepted_odds_version_id": version}, at)
        action = "bet_intent.accepted" if accepted else "bet_intent.rejected"
        self.server.log(at, action, intent["id"], session.player.id)

    def report(self, session: Session, name: str, at: datetime, **attributes: object) -> None:
        """Write one telemetry event with its attributes."""
        late_days = session.late_days if at > session.flushed_until else 0
        event: Row = {"id": uuid4(self.rng), "analytics_event_type_id": self.event_types[name]}
        event |= {"session_id": session.id, "user_id": session.player.id, "occurred_at": at}
        self.outbox.add("analytics_events", event, at, late_days)
        for key, value in attributes.items():
            row: Row = {"id": uuid4(self.rng), "analytics_event_id": event["id"]}
            row |= {"attribute_key": key, "attribute_value": str(value)}
            self.outbox.add("analytics_event_attributes", row, at, late_days)

    def between(self, low: float, high: float) -> timedelta:
        """A random span of so many seconds, to the millisecond."""
        return timedelta(milliseconds=self.rng.randrange(int(low * 1000), int(high * 1000) + 1))
