"""`make mutants`: every mutation of the catalogue alone on clean data, and which rules notice it.

A rule that cannot fail proves nothing. Each mutation is applied in a transaction that is rolled back, with triggers
off, as a superuser would; then every rule of its system is asked. It must be noticed by the rule it was written for.
"""

import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
from rich.console import Console
from rich.table import Table

from expectations.catalogue import rules_for
from expectations.rule import Mutation, Rule, whole
from ingest import server
from ingest.contract import System, read_contracts
from ingest.landing import find_files
from ingest.load import load_files
from ingest.sample import write_sample
from ingest.schema import ensure_schemas
from ingest.seal import seal
from ingest.seal_file import SealFile
from ingest.settings import Settings
from tests.expectations.asking import summarise


@dataclass(frozen=True)
class Trial:
    """What became of one mutation: rows changed, which rules noticed it, and how long the one it is for took."""

    rule: Rule
    mutation: Mutation
    changed: int
    noticed_by: tuple[str, ...]
    seconds: float

    @property
    def is_caught(self) -> bool:
        """Whether the rule that the mutation is for noticed it."""
        return self.changed != 0 and self.rule.id in self.noticed_by


def broken(connection: psycopg.Connection, rules: Sequence[Rule]) -> dict[str, float]:
    """The ids of rules that rows break, and the seconds that each took to say so; summaries count for no rule."""
    summarise(connection, rules)
    found = {}
    for rule in rules:
        began = time.perf_counter()
        rows = connection.execute(f"select from ({whole(rule.query)}) as breaking limit 1".encode()).fetchall()
        if rows:
            found[rule.id] = time.perf_counter() - began
    return found


def trials(connection: psycopg.Connection, rules: Sequence[Rule]) -> Iterator[Trial]:
    """Every mutation of the rules, one after the other; the rules must be those of one system."""
    for rule in rules:
        for mutation in rule.mutations:
            with connection.transaction(force_rollback=True):
                connection.execute("set local session_replication_role = replica")
                changed = connection.execute(mutation.sql.encode()).rowcount
                found = broken(connection, rules)
            yield Trial(rule, mutation, changed, tuple(found), found.get(rule.id, 0.0))


@contextmanager
def clean_warehouse(systems: tuple[System, ...]) -> Iterator[psycopg.Connection]:
    """A server of its own with the clean sample loaded and sealed; gone afterwards."""
    with TemporaryDirectory(prefix="tally-mutants-") as home:
        Path(home).chmod(0o755)  # root's server runs as a plain user
        settings = Settings.from_environment({**os.environ, "TALLY_HOME": home, "TALLY_DATABASE_URL": ""})
        try:
            with server.connect(settings) as connection:
                ensure_schemas(connection, systems)
                landing = Path(home) / "landing"
                write_sample(landing, systems)
                load_files(connection, systems, find_files(landing, systems))
                connection.commit()
                connection.autocommit = True
                seal(connection, systems, SealFile(Path(home) / "seals.jsonl"))
                yield connection
        finally:
            server.stop(settings)


def main() -> int:
    """Print rule by mutation; 0 if every mutation is caught by its rule and clean data break none."""
    systems = read_contracts(Settings.from_environment({}).contract_folders)
    catalogue = {system.name: rules_for(system) for system in systems}
    done: list[Trial] = []
    alarms: list[str] = []
    table = Table("rule", "mutation", "caught", "ms", "noticed as well by", title="Mutations of clean data")
    with clean_warehouse(systems) as connection:
        for rules in catalogue.values():
            with connection.transaction(force_rollback=True):
                alarms += broken(connection, rules)
            for trial in trials(connection, rules):
                done.append(trial)
                others = [rule_id for rule_id in trial.noticed_by if rule_id != trial.rule.id]
                verdict = "yes" if trial.is_caught else "[bold red]SURVIVED"
                table.add_row(
                    trial.rule.id, trial.mutation.name, verdict, f"{1000 * trial.seconds:.0f}", ", ".join(others)
                )
    everything = [rule for rules in catalogue.values() for rule in rules]
    untried = [rule.id for rule in everything if not rule.mutations]
    caught = sum(trial.is_caught for trial in done)
    Console(width=None if sys.stdout.isatty() else 200).print(table)
    print(f"{caught} of {len(done)} mutations are caught by the rule meant for them, of {len(everything)} rules.")
    print(f"Rules without a mutation: {', '.join(untried) or 'none'}. False alarms on clean data: {len(alarms)}.")
    for alarm in alarms:
        print(f"False alarm: {alarm}", file=sys.stderr)
    return 0 if caught == len(done) and not untried and not alarms else 1


if __name__ == "__main__":
    raise SystemExit(main())
