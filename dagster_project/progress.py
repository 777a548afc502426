"""What a run tells the person who watches it, step by step. How it looks on a terminal is `commands/watch.py`'s."""

from collections.abc import Sequence

from expectations.results import RuleResult
from ingest.landing import LandingFile
from ingest.load import Load


class Progress:
    """Hears of every step of a run as it happens. This one keeps silent, as the daemon's runs do."""

    def loading(self, system: str, files: Sequence[LandingFile]) -> None:
        """The loading of a system begins; `files` are looked at, known ones among them."""

    def reading(self, file: LandingFile, rows: int, bytes_read: int) -> None:
        """So much of a file has been read and stored."""

    def loaded(self, load: Load) -> None:
        """A file was loaded, skipped or refused."""

    def checking(self, system: str, rules: int) -> None:
        """The gate of a system begins."""

    def checked(self, result: RuleResult) -> None:
        """A rule was asked."""

    def building(self, nodes: int) -> None:
        """dbt has begun; `nodes` are the models and tests it will run."""

    def built(self, node: str, kind: str, status: str) -> None:
        """A dbt node of this kind (`model`, `test`) came out so: `success`, `pass`, `warn`, `fail` or `error`."""
