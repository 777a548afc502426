"""The client that is measured when rules are asked: `python -m tests.benchmarks.gate_check DATABASE HOME HOW`.

`whole` and `new` ask as `tally check` and `tally run` do. `gx` asks each rule by Great Expectations' own expectation
for queries, and `dbt` as a singular test; both get what Tally's rules share written into each query.
"""

import json
import os
import sys
import time
from dataclasses import replace

from expectations.catalogue import rules_for
from expectations.rule import Rule, whole
from ingest.contract import read_contracts
from ingest.settings import Settings

PROJECT = "name: rules\nversion: 1.0.0\nprofile: tally\n"


def main(database: str, home: str, how: str) -> None:
    """Ask every rule; prints the seconds from the first import of what asks to the last verdict."""
    settings = replace(Settings.from_environment({"TALLY_HOME": home}), database_url=database)
    systems = read_contracts(settings.contract_folders)
    rules = [rule for system in systems for rule in rules_for(system)]
    began = time.perf_counter()
    {"gx": ask_gx, "dbt": ask_dbt}.get(how, ask)(settings, rules, how)
    print(json.dumps({"seconds": time.perf_counter() - began}))


def ask(settings: Settings, rules: list[Rule], how: str) -> None:
    """By Tally itself."""
    from expectations.report import breaks
    from expectations.run import check

    systems = {rule.system for rule in rules}
    results = check(str(settings.database_url), rules, judged_systems=systems, only_new_rows=how == "new")
    # Warnings are let be: before the last day has come, a few rows name others that it will bring.
    broken = [f"{result.rule.id}: {result.verdict}" for result in breaks(results)]
    if broken:
        sys.exit("\n".join(broken))


def alone(rule: Rule) -> str:
    """The rule's query with its summaries in it."""
    summaries = ", ".join(f"{each.name} as materialized ({whole(each.query)})" for each in rule.reads)
    return f"{f'with {summaries}' if summaries else ''} select * from ({whole(rule.query)}) as breaking"


def ask_gx(settings: Settings, rules: list[Rule], how: str) -> None:
    """By Great Expectations as it comes."""
    import great_expectations as gx
    from great_expectations.expectations import UnexpectedRowsExpectation

    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    given = str(settings.database_url)
    import psycopg

    source = context.data_sources.add_postgres(
        "warehouse",
        connection_string="postgresql+psycopg://tally@localhost/tally",
        kwargs={"creator": lambda: psycopg.connect(given)},
    )
    batch = source.add_query_asset("loads", query="select * from ingest.loads").add_batch_definition_whole_table("all")
    loads = batch.get_batch()
    for rule in rules:
        query = alone(rule).replace("{", "{{").replace("}", "}}").replace(":", "\\:")
        loads.validate(UnexpectedRowsExpectation(unexpected_rows_query=f"/* {{batch}} */ {query}"))


def ask_dbt(settings: Settings, rules: list[Rule], how: str) -> None:
    """By dbt, each rule as a singular test of a project of its own."""
    from dbt.cli.main import dbtRunner

    from dagster_project import environment

    os.environ |= environment.QUIET | environment.dbt_environment(settings)
    project = settings.home / "rules"
    (project / "tests").mkdir(parents=True, exist_ok=True)
    (project / "dbt_project.yml").write_text(PROJECT, encoding="utf-8")
    for rule in rules:
        path = project / "tests" / f"rule_{rule.id.replace('-', '_')}.sql"
        path.write_text("{% raw %}" + alone(rule) + "{% endraw %}", encoding="utf-8")
    words = ["--project-dir", str(project), "--profiles-dir", str(environment.DBT_PROJECT), "--quiet"]
    dbtRunner().invoke(["test", *words])


if __name__ == "__main__":
    main(*sys.argv[1:])
