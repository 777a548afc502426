"""Gates as assets: one verdict for each system, and one check for each rule on the table it speaks about first.

A run asks of rows that were judged before only when it is tagged so, as the nightly one is. Checks do not block. One
dbt step builds the marts of all systems, and a blocking check would skip it for all of them; instead the models leave
the rows of held systems as they are (`audit.held_systems`). The verdict is an asset so that everything downstream of
it waits for it.
"""

from collections.abc import Iterator, Mapping, Sequence

import dagster as dg

from dagster_project.progress import Progress
from dagster_project.raw import asset_key, group
from dagster_project.resources import Warehouse
from expectations.results import RuleResult
from expectations.rule import Rule, Severity
from ingest.contract import System

SAMPLES_SHOWN = 5
# To Dagster every check that does not block is the same.
SEVERITIES: Mapping[Severity, str] = {
    "critical": "Critical: while it is broken, the marts of its system keep their last good state.",
    "error": "Error: `tally check` fails while it is broken.",
    "warn": "Warning: it is told, and stops nothing.",
}
ALL_ROWS_TAG = "tally/all_rows"  # on a run that asks every rule of every row again


def verdict_key(system: str) -> dg.AssetKey:
    """The key of a system's verdict; its rows are those of `audit.gate_state` with this system."""
    return dg.AssetKey(["audit", f"{system}_verdict"])


def gate(system: System, rules: Sequence[Rule]) -> dg.AssetsDefinition:
    """The step that asks one system's rules and gives the verdict."""
    by_check = {dg.AssetCheckKey(asset_key(system.name, rule.tables[0]), rule.name): rule for rule in rules}
    verdict = dg.AssetSpec(
        verdict_key(system.name),
        deps={asset_key(system.name, table.name) for table in system.tables},
        description=f"What {len(rules)} rules say of the raw tables. A broken critical one holds the marts back.",
        group_name=group(system.name),
        kinds={"greatexpectations"},
    )

    @dg.multi_asset(
        name=f"gate_{system.name}",
        specs=[verdict],
        check_specs=[
            dg.AssetCheckSpec(
                key.name,
                asset=key.asset_key,
                description=f"{rule.title} {SEVERITIES[rule.severity]}",
                metadata={"severity": rule.severity},
            )
            for key, rule in by_check.items()
        ],
        can_subset=True,
        allow_arbitrary_check_specs=True,
    )
    def ask(
        context: dg.AssetExecutionContext, warehouse: Warehouse, progress: dg.ResourceParam[Progress]
    ) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
        from expectations.run import check
        from expectations.waivers import WAIVERS, read_waivers

        judged = verdict.key in context.selected_asset_keys
        chosen = context.selected_asset_check_keys
        # A verdict is one on all rules, even where somebody chose it alone in the web UI.
        asked = {key: rule for key, rule in by_check.items() if judged or key in chosen}
        progress.checking(system.name, len(asked))
        docs = warehouse.settings.home / "data_docs"
        results = check(
            warehouse.conninfo,
            list(asked.values()),
            docs,
            progress.checked,
            read_waivers(WAIVERS),
            judged_systems=[system.name] if judged else [],
            only_new_rows=ALL_ROWS_TAG not in context.run.tags,
        )
        for key, result in zip(asked, results, strict=True):
            if key in chosen:
                yield _check_result(key, result)
        if judged:
            yield dg.MaterializeResult(
                asset_key=verdict.key,
                metadata={**_verdict_metadata(results), "data_docs": dg.MetadataValue.path(docs / "index.html")},
            )

    return ask


def _check_result(key: dg.AssetCheckKey, result: RuleResult) -> dg.AssetCheckResult:
    samples = [{"subject": s.subject, "amount": str(s.amount), "evidence": str(s.evidence)} for s in result.samples]
    metadata = {
        "severity": result.rule.severity,
        "status": result.status,
        "verdict": result.verdict,
        "rows": result.breaking_rows,
        "rows_evaluated": result.rows_evaluated,
        "waived_rows": result.waived_rows or None,
        "amount": f"{result.amount:,f} {result.rule.unit}" if result.amount is not None else None,
        "samples": samples[:SAMPLES_SHOWN],
        "message": result.message,
        "seconds": round(result.seconds, 3),
    }
    return dg.AssetCheckResult(
        asset_key=key.asset_key,
        check_name=key.name,
        passed=not result.is_broken,
        severity=dg.AssetCheckSeverity.WARN if result.rule.severity == "warn" else dg.AssetCheckSeverity.ERROR,
        metadata={name: value for name, value in metadata.items() if value not in (None, [])},
    )


def _verdict_metadata(results: Sequence[RuleResult]) -> dict[str, bool | str | int]:
    held_by = [result.rule.id for result in results if result.is_broken and result.rule.severity == "critical"]
    return {
        "held": bool(held_by),
        "held_by": ", ".join(held_by),
        "passed": sum(result.status == "passed" for result in results),
        "failed": sum(result.status == "failed" for result in results),
        "waived": sum(result.status == "waived" for result in results),
        "could_not_be_asked": sum(result.status == "error" for result in results),
        "not_applicable": sum(result.status == "not_applicable" for result in results),
    }
