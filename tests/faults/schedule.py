"""One seed, one schedule: which files there are, who loads them in which order, and what goes wrong when.

The seed decides all of it. Which loader comes to a step first is up to the machine; what must hold afterwards is not.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field

from ingest.contract import Table
from tests.faults.deliveries import draw_deliveries
from tests.faults.model import Delivery
from tests.faults.steps import STEPS

AT_STEP = ("killed", "backend terminated", "server crashed", "connection cut", "disk full")
AT_MOMENT = ("killed at any moment", "backend terminated at any moment", "server crashed at any moment")
ON_CONNECTION = ("connection cut after some bytes", "answer to commit lost", "timeout very low")
KINDS = ("nothing", *AT_STEP, *AT_MOMENT, *ON_CONNECTION)

TIMEOUTS = {
    "statement_timeout": (1, 3, 8, 20),
    "lock_timeout": (1, 3),
    "idle_in_transaction_session_timeout": (1, 2, 5),
    "transaction_timeout": (5, 15, 40),
}


@dataclass(frozen=True)
class Fault:
    """What goes wrong: at the nth arrival of any loader at a step, or to loader 0 after so much of something."""

    kind: str
    step: str | None = None
    nth: int = 0
    milliseconds: int = 0
    bytes: int = 0
    spare_bytes: int = 0
    timeouts: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        said = [f"at {self.step!r} number {self.nth}"] if self.step else []
        said += [f"after {self.milliseconds} ms"] if self.milliseconds else []
        said += [f"after {self.bytes} bytes"] if self.bytes else []
        said += [f"at commit number {self.nth}"] if self.nth and not self.step else []
        said += [f"with {self.spare_bytes} bytes to spare"] if self.kind == "disk full" else []
        said += [f"{name} {value}" for name, value in self.timeouts.items()]
        return " ".join([self.kind, *said])


@dataclass(frozen=True)
class Round:
    """Loaders that start together, each with its own order of files; steps to look at; and what goes wrong."""

    orders: tuple[tuple[str, ...], ...]
    watched: tuple[str, ...] = ()
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True)
class Schedule:
    """A landing zone and the rounds of loading it; a last round without faults follows."""

    seed: int | None
    deliveries: tuple[Delivery, ...]
    rounds: tuple[Round, ...]
    last: Round

    @property
    def faults(self) -> tuple[Fault, ...]:
        return tuple(fault for each in self.rounds for fault in each.faults)

    @property
    def on_small_disk(self) -> bool:
        return any(fault.kind == "disk full" for fault in self.faults)

    def __str__(self) -> str:
        loaders = " and then ".join(str(len(each.orders)) for each in self.rounds)
        return f"seed {self.seed}: {len(self.deliveries)} files, loaders {loaders}: {'; '.join(map(str, self.faults))}"


def draw_schedule(seed: int, tables: Mapping[str, Table]) -> Schedule:
    """The schedule of a seed. Seeds that follow each other go through all kinds, and each kind through all steps."""
    draw = random.Random(f"schedule {seed}")
    deliveries = draw_deliveries(draw, tables)
    turn, kind = divmod(seed, len(KINDS))
    first = _fault(KINDS[kind], turn + 3 * kind, draw)
    rounds = [[first]]
    if draw.random() < 0.4:
        second = _fault(draw.choice(KINDS[1:]), draw.randrange(len(STEPS)), draw)
        # Both in one round, or the second while loaders make up for the first.
        if draw.random() < 0.5 and {first.kind, second.kind}.isdisjoint(ON_CONNECTION):
            rounds[0].append(second)
        else:
            rounds.append([second])
    paths = [delivery.path for delivery in deliveries]
    watched = (draw.choice(list(STEPS)),)
    return Schedule(
        seed,
        deliveries,
        tuple(Round(_orders(paths, draw.choice((1, 2, 4)), draw), watched, tuple(faults)) for faults in rounds),
        Round(_orders(paths, draw.choice((1, 2)), draw)),
    )


def _fault(kind: str, number: int, draw: random.Random) -> Fault:
    if kind in AT_STEP:
        step = list(STEPS)[number % len(STEPS)]
        spare = draw.choice((0, 8, 64, 256)) * 1024 if kind == "disk full" else 0
        return Fault(kind, step, nth=draw.choice((1, 1, 2, 2, 3, 5)), spare_bytes=spare)
    if kind in AT_MOMENT:
        return Fault(kind, milliseconds=draw.randrange(1, 400))
    if kind == "connection cut after some bytes":
        return Fault(kind, bytes=draw.choice((0, 5_000, 20_000)) + draw.randrange(1_000, 20_000))
    if kind == "answer to commit lost":
        return Fault(kind, nth=draw.randrange(1, 13))
    if kind == "timeout very low":
        name = draw.choice(list(TIMEOUTS))
        return Fault(kind, timeouts={name: f"{draw.choice(TIMEOUTS[name])}ms"})
    return Fault(kind)


def _orders(paths: list[str], loaders: int, draw: random.Random) -> tuple[tuple[str, ...], ...]:
    """The order of the landing zone for half of the loaders, any other for the rest."""
    return tuple(
        tuple(sorted(paths) if draw.random() < 0.5 else draw.sample(paths, len(paths))) for _ in range(loaders)
    )
