"""The words of the Hermes app: its telemetry events, its questions, and its texts in both languages."""

import random
from typing import NamedTuple
from uuid import UUID

from ingest.sample.outbox import Outbox, uuid4


class Question(NamedTuple):
    """A kind of market: its text, its shape and the codes of its outcomes in order."""

    key: str
    market_type: str
    outcome_codes: tuple[str, ...]


QUESTIONS = (
    Question("question.next_point", "binary", ("YES", "NO")),
    Question("question.winner", "ternary", ("HOME", "DRAW", "AWAY")),
    Question("question.goal", "binary", ("YES", "NO")),
)

_TEXTS = {
    "question.next_point": ("Next point?", "Nästa poäng?"),
    "question.winner": ("Who wins?", "Vem vinner?"),
    "question.goal": ("Goal?", "Mål?"),
    "label.yes": ("Yes", "Ja"),
    "label.no": ("No", "Nej"),
    "label.home": ("Home", "Hemma"),
    "label.draw": ("Draw", "Oavgjort"),
    "label.away": ("Away", "Borta"),
}

_EVENT_NAMES = """
    app_opened app_backgrounded app_closed session_started session_ended
    language_selected consent_viewed consent_accepted
    feed_viewed round_card_viewed round_loaded event_manifest_received
    preview_prefetch_started preview_prefetch_completed
    preview_started preview_paused preview_resumed preview_completed reveal_started reveal_completed
    playback_error stream_reconnected
    countdown_visible countdown_warning_threshold_hit odds_panel_viewed odds_version_received odds_changed
    outcome_focused outcome_selected selection_submitted selection_accepted selection_rejected
    duplicate_selection_attempt market_locked result_viewed next_round_requested
    screen_viewed cta_pressed gesture_swipe gesture_tap gesture_cancelled haptic_triggered
    localization_bundle_loaded locale_changed network_error
"""


def write_texts(outbox: Outbox, rng: random.Random) -> None:
    """Write every text in both languages."""
    start = outbox.period.start
    for name, translations in _TEXTS.items():
        key = {"id": uuid4(rng), "key_name": name, "description": name.partition(".")[0]}
        outbox.put("localization_keys", key, start)
        for locale, text in zip(("en", "sv"), translations, strict=True):
            value = {"id": uuid4(rng), "localization_key_id": key["id"], "locale_code": locale}
            outbox.put("localization_values", value | {"text_value": text}, start)


def write_event_types(outbox: Outbox, rng: random.Random) -> dict[str, UUID]:
    """Write every kind of telemetry event; the key of each by its name."""
    types = {name: uuid4(rng) for name in _EVENT_NAMES.split()}
    for name, key in types.items():
        row = {"id": key, "event_name": name, "description": name.replace("_", " ")}
        outbox.put("analytics_event_types", row, outbox.period.start)
    return types
