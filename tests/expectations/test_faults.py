"""The faults planted in a sample are exactly what the rules that hold marts back report: all, and nothing else."""

from pathlib import Path

import psycopg

from expectations.catalogue import all_rules
from expectations.rule import whole
from ingest.contract import System
from ingest.landing import find_files
from ingest.load import load_files
from ingest.sample import write_sample
from tests.expectations.asking import summarise


def test_the_rules_that_hold_marts_back_report_the_planted_faults_and_nothing_else(
    connection: psycopg.Connection, systems: tuple[System, ...], tmp_path: Path
) -> None:
    critical = [rule for rule in all_rules() if rule.severity == "critical"]
    landing = tmp_path / "landing"
    planted = {(fault.rule_id, fault.subject) for fault in write_sample(landing, systems, days=14, faults=True).faults}
    assert {rule_id for rule_id, _ in planted} == {rule.id for rule in critical}

    load_files(connection, systems, find_files(landing, systems))
    summarise(connection, critical)
    reported = {
        (rule.id, subject)
        for rule in critical
        for (subject,) in connection.execute(f"select subject from ({whole(rule.query)}) as breaking")
    }
    assert reported == planted
