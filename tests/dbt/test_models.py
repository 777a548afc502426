"""The models' own tests: every dbt unit test passes, and every model is described where its reader looks for it."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from dagster_project import environment
from dagster_project.dbt_runner import invoke
from ingest.settings import Settings

DBT = Path(__file__).parents[2] / "dbt"
MODELS = sorted((DBT / "models").rglob("*.sql"))
# Postgres answers differently each time to these, and a mart must depend on nothing but the data.
CLOCKS = re.compile(r"\b(now\(\)|current_timestamp|current_date|clock_timestamp|localtimestamp)", re.IGNORECASE)

# What one engine has not, or what the two do not mean alike; dbt/macros/ says it for both.
ONE_ENGINE_ONLY = re.compile(
    r"::(numeric|jsonb?|double|float)\b|\bjsonb_\w+|\bto_(jsonb?|char)\(|\barray\["
    r"|\b(div|avg)\(|#>| ~ '|\bextract\(epoch"
    # DuckDB lists no touched keys: name them with `if target.type != 'duckdb'`.
    r"|ref\('touched_\w+'\) }}"
)

# Each mart, and whether it and all of its columns have comments.
COMMENTS = """
    select relname, bool_and(obj_description(attrelid, 'pg_class') <> '' and col_description(attrelid, attnum) <> '')
    from pg_class
    inner join pg_attribute on pg_class.oid = attrelid
    where relnamespace = 'marts'::regnamespace and relkind = 'r' and attnum > 0 and not attisdropped
    group by relname
"""


@pytest.fixture
def dbt(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Runs dbt on a fresh database in which every model was built."""
    for name, value in environment.dbt_environment(settings).items():
        monkeypatch.setenv(name, value)
    assert invoke(["build", "--exclude-resource-type", "test", "--exclude-resource-type", "unit_test"]).success
    return lambda *words: invoke(words)


def test_every_unit_test_of_the_models_passes(dbt: Callable[..., Any]) -> None:
    tests = dbt("test", "--select", "test_type:unit")

    failed = {run.node.name: run.message for run in tests.result.results if run.status not in ("pass", "success")}
    assert failed == {}
    assert len(tests.result.results) > 30


def test_a_view_built_alone_leaves_those_that_read_it(dbt: Callable[..., Any], connection: psycopg.Connection) -> None:
    assert dbt("run", "--select", "stg_funpot__votes").success

    assert connection.execute("select count(*) from intermediate.int_funpot__settlements").fetchall() == [(0,)]


def test_what_marts_mean_stands_in_the_database_and_on_one_page_that_asks_nobody(
    dbt: Callable[..., Any], settings: Settings, connection: psycopg.Connection
) -> None:
    found = connection.execute(COMMENTS).fetchall()
    assert dict(found) == {model.stem: True for model in MODELS if model.parent.name == "marts"}
    assert dbt("docs", "generate", "--static").success

    page = (environment.dbt_target(settings) / "static_index.html").read_text(encoding="utf-8")
    assert "One row per event of any system" in page
    assert not re.search(r"<(script|link|img)[^>]+(src|href)=[\"']https?://", page)


def test_every_mart_answers_a_question_that_somebody_asks() -> None:
    exposures = yaml.safe_load((DBT / "models" / "marts" / "_exposures.yml").read_text(encoding="utf-8"))["exposures"]
    asked = {mart for exposure in exposures for mart in re.findall(r"ref\('(\w+)'\)", str(exposure["depends_on"]))}
    marts = {model.stem for model in MODELS if model.parent.name == "marts"}

    # The sums behind a board are nobody's question.
    assert marts - asked == {"leaderboard_scores"}
    assert asked <= marts


@pytest.mark.parametrize("model", MODELS, ids=lambda path: path.stem)
def test_a_model_is_described_in_the_yml_of_its_name(model: Path) -> None:
    (described,) = yaml.safe_load(model.with_suffix(".yml").read_text(encoding="utf-8"))["models"]

    assert described["name"] == model.stem
    assert described["description"].strip()
    assert all(column.get("description") for column in described["columns"])


@pytest.mark.parametrize("model", MODELS, ids=lambda path: path.stem)
def test_a_model_depends_on_nothing_but_the_data(model: Path) -> None:
    assert not CLOCKS.search(model.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "model", [each for each in MODELS if each.parent.name != "building"], ids=lambda path: path.stem
)
def test_a_model_is_written_for_both_engines(model: Path) -> None:
    assert not ONE_ENGINE_ONLY.search(model.read_text(encoding="utf-8"))


def test_every_yml_belongs_to_a_model() -> None:
    stems = {model.stem for model in MODELS}
    ymls = [path for path in (DBT / "models").rglob("*.yml") if not path.stem.startswith("_")]

    assert [path.stem for path in ymls if path.stem not in stems] == []
