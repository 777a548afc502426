"""The faults planted in a sample are exactly what the gates report: all of them, and nothing else."""

from pathlib import Path

import psycopg

from expectations.catalogue import rules_for
from ingest.contract import System
from ingest.landing import find_files
from ingest.load import load_files
from ingest.sample import write_sample


def test_the_gates_report_the_planted_faults_and_nothing_else(
    connection: psycopg.Connection, systems: tuple[System, ...], tmp_path: Path
) -> None:
    rules = [rule for system in systems for rule in rules_for(system)]
    landing = tmp_path / "landing"
    planted = {(fault.rule_id, fault.subject) for fault in write_sample(landing, systems, days=14, faults=True).faults}
    assert {rule_id for rule_id, _ in planted} == {rule.id for rule in rules if rule.severity == "critical"}

    load_files(connection, systems, find_files(landing, systems))
    reported = {
        (rule.id, subject)
        for rule in rules
        for (subject,) in connection.execute(f"select subject from ({rule.query}) as breaking")
    }
    assert reported == planted
