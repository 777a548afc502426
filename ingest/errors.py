"""Every error a user can meet, as one clear sentence.

TallyError
├── ConfigurationError          wrong use or settings (exit code 2)
│   └── ContractError           a contract that cannot be trusted; names file and line
├── DatabaseUnreachableError    no server answers, or it cannot be started (exit code 3)
├── LandingUnreachableError     the landing zone's object store does not answer (exit code 3)
└── UnreadableFileError         a landing file that is refused as a whole (exit code 1)
"""

from pathlib import Path


class TallyError(Exception):
    """Something the user can act on; `str(error)` says what and what to do next."""

    exit_code = 1


class ConfigurationError(TallyError):
    """Wrong use or configuration."""

    exit_code = 2


class ContractError(ConfigurationError):
    """A contract does not say what it must; names the file and the line."""

    def __init__(self, path: Path, line: int, problem: str) -> None:
        super().__init__(f"{path}, line {line}: {problem}")
        self.path = path
        self.line = line


class DatabaseUnreachableError(TallyError):
    """No database answers where one should."""

    exit_code = 3


class LandingUnreachableError(TallyError):
    """No object store answers where the landing zone should be: as with the database, later may be better."""

    exit_code = 3


class UnreadableFileError(TallyError):
    """A landing file cannot be read to its end, so nothing of it is kept."""
