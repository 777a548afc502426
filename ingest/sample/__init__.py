"""A sample of all five systems for the landing zone: seeded, true to their invariants, with every oddity they allow.

One package simulates one system; `outbox` makes deliveries of what it wrote; `files` writes them.
"""

import json
import random
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from ingest.contract import System, Table
from ingest.errors import ConfigurationError
from ingest.sample.files import FORMATS, write_file
from ingest.sample.outbox import Fault, Outbox, Period

SYSTEMS = ("funpot", "hermes", "advert_market", "synapse", "storyforge")
LAST_DAY = date(2026, 6, 30)  # fixed, so that one seed gives one sample on any day
ROWS_PER_FILE = 20_000
# A stage of a job takes 1 to 110 seconds, so that a delivery a day tells little of it: jobs are also pulled like this.
# Balances are not: pulled without their ledger, they would not agree with it until the day after.
WATCHED, WATCHED_BEFORE_THE_END, PULLED_EVERY = ("storyforge", "jobs"), timedelta(hours=3), timedelta(seconds=10)


@dataclass(frozen=True)
class SampleReport:
    """What was written: files, rows, and the violations planted in them."""

    files: int
    rows: int
    faults: tuple[Fault, ...]


def write_sample(
    landing: Path,
    systems: Sequence[System],
    days: int = 60,
    seed: int = 7,
    scale: int = 1,
    faults: bool = False,
    on_table: Callable[[str, str, int], None] | None = None,
) -> SampleReport:
    """Write the sample into `landing`; the same arguments give the same bytes.

    The last week arrives day by day, all before it at once; jobs are also pulled every ten seconds of the last hours.
    With `faults`, violations of every critical rule are planted and listed in `planted_faults.json` beside the landing
    zone. `on_table(system, table, rows)` follows along.
    A landing zone that holds anything else is refused (ConfigurationError).
    """
    if days < 3 or scale < 1:
        raise ConfigurationError("The sample needs at least --days 3 and --scale 1.")
    _claim(landing, {"days": days, "seed": seed, "scale": scale, "faults": faults})
    period = Period(LAST_DAY - timedelta(days=days - 1), days, max(1, days - 7))
    described = {system.name: system for system in systems}
    planted: list[Fault] = []
    files = rows = 0
    for name in SYSTEMS:
        outbox = Outbox(described[name], period)
        import_module(f"ingest.sample.{name}").simulate(outbox, period, random.Random(f"{name} {seed}"), scale)
        if faults and find_spec(f"ingest.sample.{name}.faults"):
            plant = import_module(f"ingest.sample.{name}.faults").plant
            planted += plant(outbox, random.Random(f"{name} faults {seed}"))
        for position, table in enumerate(described[name].tables):
            written = _write_table(landing, outbox, table, FORMATS[position % len(FORMATS)])
            files, rows = files + len(written), rows + sum(written.values())
            if on_table:
                on_table(name, table.name, sum(written.values()))
    listing = landing.parent / "planted_faults.json"
    if faults:
        listing.write_text(json.dumps([asdict(fault) for fault in planted], indent=1) + "\n", encoding="utf-8")
    else:
        listing.unlink(missing_ok=True)
    return SampleReport(files, rows, tuple(planted))


def _claim(landing: Path, sample: dict[str, int]) -> None:
    """Mark the landing zone as holding this sample; refuse one that holds anything else, which it would mix with."""
    mark = landing / "_sample.json"
    held = json.loads(mark.read_text(encoding="utf-8")) if mark.exists() else None
    if held != sample and (held or any(landing.glob("*/*/date=*"))):
        holds = "a sample made with other options" if held else "deliveries of its own"
        raise ConfigurationError(
            f"{landing} holds {holds}, which this sample would contradict; set TALLY_HOME to a new folder for the demo."
        )
    landing.mkdir(parents=True, exist_ok=True)
    mark.write_text(json.dumps(sample) + "\n", encoding="utf-8")


def _write_table(landing: Path, outbox: Outbox, table: Table, file_format: str) -> dict[Path, int]:
    """Write every delivery of a table; the second daily one also re-sends the first, as it was and re-encoded."""
    written: dict[Path, int] = {}
    deliveries = outbox.deliveries(table.name)
    for number, rows in enumerate(deliveries):
        folder = landing / table.system / table.name / f"date={outbox.period.delivered_on(number)}"
        for part, first in enumerate(range(0, len(rows), ROWS_PER_FILE)):
            chunk = rows[first : first + ROWS_PER_FILE]
            written[write_file(folder, f"part-{part:04d}", file_format, table, chunk)] = len(chunk)
        before = deliveries[1] if number == 2 and table.load_mode == "append" else []
        if before:
            again = FORMATS[(FORMATS.index(file_format) + 1) % len(FORMATS)]
            written[write_file(folder, "resent-other-format", again, table, before)] = len(before)
            source = landing / table.system / table.name / f"date={outbox.period.delivered_on(1)}"
            shutil.copyfile(source / f"part-0000.{file_format}", folder / f"resent-part-0000.{file_format}")
            written[folder / f"resent-part-0000.{file_format}"] = len(before)
    if (table.system, table.name) == WATCHED:
        watched_since = outbox.period.end - WATCHED_BEFORE_THE_END
        for stamp, rows in outbox.pulls(table.name, watched_since, PULLED_EVERY):
            folder = landing / table.system / table.name / f"date={stamp:%Y-%m-%d}"
            name = f"pull-{stamp:%Y%m%dT%H%M%S%fZ}-0001"
            written[write_file(folder, name, file_format, table, rows)] = len(rows)
    return written
