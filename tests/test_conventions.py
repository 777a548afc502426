"""The shape of the house: which way imports run, and how long a thing may get before it wants two rooms."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("ingest", "expectations", "dagster_project")
MODULES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))
LINES_PER_MODULE = 350
LINES_PER_FUNCTION = 70
LINES_PER_MODEL = 120


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imported(tree: ast.Module) -> set[str]:
    """The top-level packages a module imports, wherever in it."""
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    return {name.split(".")[0] for name in names}


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_imports_run_one_way(path: Path) -> None:
    forbidden = {
        "ingest": {"dagster", "dagster_dbt", "dbt", "great_expectations", "expectations", "dagster_project"},
        "expectations": {"dagster", "dagster_dbt", "dbt", "dagster_project"},
        "dagster_project": set(),
    }
    found = imported(ast.parse(path.read_text(encoding="utf-8")))

    assert not found & forbidden[named(path).split("/")[0]]


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_a_module_says_what_belongs_in_it_and_is_short(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]

    assert not text or ast.get_docstring(tree)
    assert len(text.splitlines()) <= LINES_PER_MODULE
    assert {f.name for f in functions if (f.end_lineno or 0) - f.lineno >= LINES_PER_FUNCTION} == set()


def test_models_are_short() -> None:
    models = (ROOT / "dbt" / "models").rglob("*.sql")

    assert [
        named(path) for path in models if len(path.read_text(encoding="utf-8").splitlines()) > LINES_PER_MODEL
    ] == []


def test_dbt_holds_no_python() -> None:
    # A .py file would make the folder join the installed dbt package.
    assert list((ROOT / "dbt").rglob("*.py")) == []
