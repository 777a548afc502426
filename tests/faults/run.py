"""`make faults`: plays the schedules of many seeds and prints what came of them; exit code 1 when one failed.

python -m tests.faults.run 0-299    seeds 0 to 299
python -m tests.faults.run 17       one seed again
"""

import signal
import sys
from collections import Counter
from collections.abc import Iterable, Sequence

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from ingest.contract import read_contracts
from ingest.settings import Settings
from tests.faults.harness import Harness, Outcome
from tests.faults.schedule import KINDS
from tests.faults.steps import STEPS

SHOWN = 5  # problems of one schedule; the first ones say it
EVERY = 25  # schedules between two signs of life


def main(arguments: Sequence[str]) -> int:
    """Play the seeds that the arguments name; 0 when every schedule ended as the model says."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the server is stopped and the disk unmounted
    seeds = [seed for words in arguments for seed in _seeds(words)]
    systems = read_contracts(Settings.from_environment({}).contract_folders)
    outcomes = []
    console = Console(width=100, soft_wrap=True, highlight=False)
    with Harness(systems) as harness:
        for number, seed in enumerate(seeds, 1):
            outcomes.append(harness.run(harness.draw(seed)))
            if outcomes[-1].problems or len(seeds) == 1:
                tell(console, outcomes[-1])
            if number % EVERY == 0:
                console.print(f"{number} of {len(seeds)} schedules played")
    return summarise(console, outcomes)


def tell(console: Console, outcome: Outcome) -> None:
    """One schedule and what was wrong."""
    console.print(str(outcome.schedule), markup=False)
    for problem in outcome.problems[:SHOWN]:
        console.print(f"    {problem}", markup=False)
    if len(outcome.problems) > SHOWN:
        console.print(f"    and {len(outcome.problems) - SHOWN} more")


def summarise(console: Console, outcomes: Sequence[Outcome]) -> int:
    """Schedules by fault and outcome, faults by step, failures with the command that repeats them; the exit code."""
    console.print(_by_kind(outcomes))
    console.print(_by_step(outcomes))
    for reason, number in Counter(outcome.skipped for outcome in outcomes if outcome.skipped).items():
        console.print(f"{number} schedules with a full disk were skipped: {reason}.")
    looks, seconds = sum(o.looks for o in outcomes), sum(o.seconds for o in outcomes)
    console.print(f"{len(outcomes)} schedules in {seconds:.0f} s; readers looked {looks} times.")
    failed = [outcome.schedule.seed for outcome in outcomes if outcome.problems]
    if failed:
        console.print(f"Failed: seeds {', '.join(map(str, failed))}. To repeat one: make faults SEEDS={failed[0]}")
        return 1
    console.print("Every file was there once and whole, at every look.")
    return 0


def _by_kind(outcomes: Sequence[Outcome]) -> Table:
    table = _table("fault", "schedules", "struck", "too late", "skipped", "failed")
    for kind in KINDS:
        with_kind = [outcome for outcome in outcomes if any(f.kind == kind for f in outcome.schedule.faults)]
        struck = sum(any(f.kind == kind for f in _struck(outcome)) for outcome in with_kind)
        skipped = sum(outcome.skipped is not None for outcome in with_kind)
        failed = sum(bool(outcome.problems) for outcome in with_kind)
        late = len(with_kind) - skipped - struck if kind != "nothing" else 0
        table.add_row(kind, *map(str, (len(with_kind), struck, late, skipped, failed)))
    return table


def _by_step(outcomes: Sequence[Outcome]) -> Table:
    table = _table("step", "faults", "struck")
    drawn = Counter(fault.step for outcome in outcomes for fault in outcome.schedule.faults)
    struck = Counter(fault.step for outcome in outcomes for fault in _struck(outcome))
    for step in STEPS:
        table.add_row(step, str(drawn[step]), str(struck[step]))
    return table


def _table(first: str, *numbers: str) -> Table:
    table = Table(box=SIMPLE, pad_edge=False)
    table.add_column(first, no_wrap=True)
    for name in numbers:
        table.add_column(name, justify="right")
    return table


def _struck(outcome: Outcome) -> Iterable[object]:
    return [fault for place, fault in enumerate(outcome.schedule.faults) if place in outcome.struck]


def _seeds(words: str) -> Iterable[int]:
    first, _, last = words.partition("-")
    return range(int(first), int(last or first) + 1)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
