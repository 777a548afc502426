"""Waivers: breaks that somebody has looked at and answers for until a day.

`expectations/waivers.yaml` lists them. A waived break is told and blocks nothing; after its last day it blocks again.
"""

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import yaml

from ingest.errors import ConfigurationError

WAIVERS = Path(__file__).parent / "waivers.yaml"


@dataclass(frozen=True)
class Waiver:
    """One break of one rule, why it may stand, who says so, and the last day (UTC) on which it may."""

    rule: str
    subject: str
    reason: str
    who: str
    expires: date

    def is_expired(self, today: date) -> bool:
        """Whether its last day is over."""
        return today > self.expires


def today() -> date:
    """The day it is in UTC, by which waivers expire."""
    return datetime.now(UTC).date()


def read_waivers(path: Path) -> tuple[Waiver, ...]:
    """The waivers of a file, in its order; ConfigurationError for what is not one."""
    try:
        entries = yaml.safe_load(path.read_text(encoding="utf-8")) or []
    except (OSError, yaml.YAMLError) as error:
        raise ConfigurationError(f"{path} cannot be read: {' '.join(str(error).split())}.") from error
    if not isinstance(entries, list):
        raise ConfigurationError(f"{path} must be a list of waivers; see the comment at its top.")
    waivers = tuple(_waiver(path, number, entry) for number, entry in enumerate(entries, start=1))
    _refuse_repetition(path, waivers)
    return waivers


def _waiver(path: Path, number: int, entry: Any) -> Waiver:
    names = [field.name for field in fields(Waiver)]
    if not isinstance(entry, dict) or set(entry) != set(names):
        raise ConfigurationError(f"Waiver {number} of {path} must have exactly {', '.join(names)}.")
    texts = {name: entry[name] for name in names if name != "expires"}
    for name, text in texts.items():
        if not isinstance(text, str) or not text.strip():
            raise ConfigurationError(f"Waiver {number} of {path}: {name} must be text; put it between quotes.")
    if type(entry["expires"]) is not date:
        raise ConfigurationError(f"Waiver {number} of {path}: expires must be a date such as 2026-12-31.")
    return Waiver(**texts, expires=entry["expires"])


def _refuse_repetition(path: Path, waivers: Sequence[Waiver]) -> None:
    seen = set()
    for waiver in waivers:
        if (waiver.rule, waiver.subject) in seen:
            raise ConfigurationError(f"{path} waives {waiver.rule} for {waiver.subject} twice; keep one.")
        seen.add((waiver.rule, waiver.subject))


def idle(waivers: Iterable[Waiver], matched: Iterable[Waiver], asked: Set[str], known: Set[str]) -> list[str]:
    """A sentence for each waiver that waives nothing: of the rules that were asked, or of one that does not exist."""
    used = set(matched)
    sentences = []
    for waiver in waivers:
        name = f"The waiver of {waiver.rule} for {waiver.subject} by {waiver.who}"
        if waiver.rule not in known:
            sentences.append(f"{name} names a rule that does not exist; mend it in {WAIVERS.name}.")
        elif waiver.rule in asked and waiver not in used:
            sentences.append(f"{name} matches no break; take it out of {WAIVERS.name}.")
    return sentences
