"""Data Docs: what Great Expectations found, as pages that open without a network.

Great Expectations builds the site and keeps its links; its own pages would load bootstrap, jquery, vega and
fonts from six hosts and a logo that reports back. The pages here are rendered from `docs_templates/` instead,
with one small style sheet inside each. Import this module inside functions only: it loads Great Expectations,
which takes seconds.
"""

import shutil
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import great_expectations as gx
from great_expectations.core import ExpectationSuiteValidationResult, ExpectationValidationResult
from great_expectations.core.run_identifier import RunIdentifier
from great_expectations.data_context.types.base import DataContextConfig, InMemoryStoreBackendDefaults
from great_expectations.data_context.types.resource_identifiers import (
    ExpectationSuiteIdentifier,
    ValidationResultIdentifier,
)
from jinja2 import Environment, PackageLoader

SITE = "tally"
READING_ORDER = ("failed", "error", "waived", "passed", "not_applicable")


class Unrendered:
    """The renderer of both pages: it leaves all to the page's template."""

    def render(self, content: Any) -> Any:
        """The content as it is."""
        return content


class Page:
    """A view, in the sense of Great Expectations: it makes HTML of what the renderer hands over."""

    template: ClassVar[str]

    def render(self, content: Any, **_: Any) -> str:
        """The page's HTML."""
        environment = Environment(loader=PackageLoader("expectations", "docs_templates"), autoescape=True)
        environment.filters["grouped"] = lambda amount: f"{Decimal(amount):,f}"
        return environment.get_template(self.template).render(content=content)


class SystemPage(Page):
    """The rules of one system."""

    template = "system.html"


class IndexPage(Page):
    """The list of systems."""

    template = "index.html"


def write_docs(validations: Mapping[str, Sequence[ExpectationValidationResult]], folder: Path) -> Path:
    """Write the pages of these systems and the index; returns the index.

    A system that was not asked this time keeps the page of its last run: all answers stay in
    `folder/results`. A system none of whose rules could be applied has no page.
    """
    context = _context(folder)
    for system, results in validations.items():
        shutil.rmtree(folder / "results" / system, ignore_errors=True)
        if any(result.meta["status"] != "not_applicable" for result in results):
            _store(context, system, results)
    shutil.rmtree(folder / "validations", ignore_errors=True)
    context.build_data_docs(site_names=[SITE])
    # Four megabytes of fonts and logos of Great Expectations, which these pages do not use.
    shutil.rmtree(folder / "static", ignore_errors=True)
    return folder / "index.html"


def _context(folder: Path) -> Any:
    stores = InMemoryStoreBackendDefaults(init_temp_docs_sites=False)
    stores.stores[stores.validation_results_store_name]["store_backend"] = _files_in(folder / "results")
    stores.data_docs_sites = {
        SITE: {
            "class_name": "SiteBuilder",
            "show_how_to_buttons": False,
            "store_backend": _files_in(folder),
            "site_section_builders": {
                "expectations": "None",
                "profiling": "None",
                "validations": {"renderer": _own(Unrendered), "view": _own(SystemPage)},
            },
            "site_index_builder": {
                "class_name": "DefaultSiteIndexBuilder",
                "renderer": _own(Unrendered),
                "view": _own(IndexPage),
            },
        }
    }
    return gx.get_context(mode="ephemeral", project_config=DataContextConfig(store_backend_defaults=stores))


def _files_in(folder: Path) -> dict[str, str]:
    return {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(folder)}


def _own(kind: type) -> dict[str, str]:
    return {"module_name": kind.__module__, "class_name": kind.__name__}


def _store(context: Any, system: str, results: Sequence[ExpectationValidationResult]) -> None:
    suite = ExpectationSuiteIdentifier(system)
    asked_at = datetime.now(UTC)
    run = RunIdentifier(run_name="latest", run_time=asked_at)
    judged = [result for result in results if result.meta["status"] != "not_applicable"]
    held = sum(bool(result.success) for result in judged)
    context.validation_results_store.set(
        ValidationResultIdentifier(expectation_suite_identifier=suite, run_id=run, batch_identifier=system),
        ExpectationSuiteValidationResult(
            suite_name=system,
            success=held == len(judged),
            results=sorted(results, key=lambda result: READING_ORDER.index(result.meta["status"])),
            statistics={
                "evaluated_expectations": len(judged),
                "successful_expectations": held,
                "unsuccessful_expectations": len(judged) - held,
                "success_percent": 100 * held / len(judged),
            },
            # The batch spec is the one thing about a validation that Great Expectations hands on to its index.
            meta={"batch_spec": {"verdict": f"{held} of {len(judged)} rules hold"}, "asked_at": asked_at.isoformat()},
        ),
    )
