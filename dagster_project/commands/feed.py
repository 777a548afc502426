"""The progress of a loading for machines: one JSON object a line, while a file is read and when it is done."""

import json
import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import TextIO

from dagster_project.commands.pace import Paces
from dagster_project.progress import Progress
from ingest.landing import LandingFile
from ingest.load import Load

SECONDS_BETWEEN = 1.0  # two `reading` lines


class Feed(Progress):
    """Writes `{"event": "reading", …}` and `{"event": "file", …}`, and keeps what was loaded."""

    def __init__(self, stream: TextIO) -> None:
        self.loads: list[Load] = []
        self._stream = stream
        self._paces = Paces()
        self._told = 0.0

    def loading(self, system: str, files: Sequence[LandingFile]) -> None:
        """Take note of what is to come."""
        self._paces.expect(files)

    def reading(self, file: LandingFile, rows: int, bytes_read: int) -> None:
        """Tell how far a file is, once a second."""
        pace = self._paces.read(file, rows, bytes_read)
        if time.monotonic() - self._told >= SECONDS_BETWEEN:
            self._told = time.monotonic()
            self._tell(
                "reading",
                system=file.system,
                table=file.table,
                path=file.relative,
                rows=rows,
                table_rows=pace.rows,
                table_bytes_read=pace.bytes_read,
                table_bytes=pace.bytes_total,
                rows_per_second=pace.rows_per_second,
                seconds_left=pace.seconds_left,
            )

    def loaded(self, load: Load) -> None:
        """Tell what became of a file."""
        self.loads.append(load)
        self._paces.finish(load)
        self._tell("file", **asdict(load))

    def _tell(self, event: str, **facts: object) -> None:
        print(json.dumps({"event": event} | facts), file=self._stream, flush=True)
