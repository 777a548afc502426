"""A reader beside the loaders: it looks at the warehouse all the time and notes whatever no reader may see."""

import threading
from types import TracebackType

import psycopg

from tests.faults.snapshot import Judge, take

PAUSE = 0.02  # seconds between two looks, which leaves the machine to the loaders


class Eyes:
    """Looks at the warehouse, and counts how often it did."""

    def __init__(self, judge: Judge) -> None:
        self.judge = judge
        self.looks = 0

    def look(self, connection: psycopg.Connection) -> list[str]:
        """What is wrong, as any reader would see it."""
        self.looks += 1
        return self.judge.partial(take(connection, self.judge.tables))


class Reader(threading.Thread):
    """Looks until it leaves its `with`; a server that is down is asked again until it is up."""

    def __init__(self, database: str, judge: Judge) -> None:
        super().__init__(daemon=True)
        self.database = database
        self.eyes = Eyes(judge)
        self.done = threading.Event()
        self.problems: list[str] = []

    def __enter__(self) -> "Reader":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.done.set()
        self.join()

    def run(self) -> None:
        while not self.done.is_set() and not self.problems:
            try:
                with psycopg.connect(self.database, options="-c timezone=UTC", autocommit=True) as connection:
                    while not self.done.wait(PAUSE) and not self.problems:
                        self.problems = [f"a reader saw: {problem}" for problem in self.eyes.look(connection)]
            except psycopg.OperationalError:
                self.done.wait(PAUSE)
            except psycopg.Error as error:
                self.problems = [f"a reader failed: {type(error).__name__}: {error}"]
