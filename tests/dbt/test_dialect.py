"""The macros of both dialects: what each expression of this table is worth on Postgres, it is worth on DuckDB."""

import json
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import jinja2
import psycopg
import pytest
from psycopg.rows import tuple_row

MACROS = Path(__file__).parents[2] / "dbt" / "macros"
BEYOND_BIGINT = 2**63 * 10_000

# fmt: off
NUMBERS = {
    "{{ whole('9223372036854775807') }} * 10000": BEYOND_BIGINT - 10_000,
    "{{ whole(\"'-12'\") }}": -12,
    "{{ whole('null') }}": None,
    "{{ decimal(\"'-0.0000000001'\") }}": Decimal("-0.0000000001"),
    "{{ decimal('1') }} + {{ whole(2) }}": 3,
    "{{ decimal('12345678901234567890123456.0000000001') }}": Decimal("12345678901234567890123456.0000000001"),
    "{{ whole_division(7, 2) }}": 3,
    "{{ whole_division(-7, 2) }}": -3,
    "{{ whole_division(7, -2) }}": -3,
    "{{ whole_division('92233720368547758089999', 10000) }}": 2**63,
    "{{ whole_division('null', 2) }}": None,
    "{{ ratio(1, 3, 4) }}": Decimal("0.3333"),
    "{{ ratio(2, 3, 4) }}": Decimal("0.6667"),
    "{{ ratio(1, 8, 2) }}": Decimal("0.13"),
    "{{ ratio(-1, 8, 2) }}": Decimal("-0.13"),
    "{{ ratio(1, -8, 2) }}": Decimal("-0.13"),
    "{{ ratio(-3, -8, 2) }}": Decimal("0.38"),
    "{{ ratio(5, 2, 0) }}": 3,
    "{{ ratio(0, 7, 10) }}": 0,
    "{{ ratio(7, 0, 10) }}": None,
    "{{ ratio(7, 'null', 10) }}": None,
    "{{ ratio('null', 7, 10) }}": None,
    # A hair below the half: an engine that first rounds the quotient to 16 digits rounds it up.
    "{{ ratio('49999999999999999999', '100000000000000000000', 0) }}": 0,
    "{{ ratio('9223372036854775807', 3, 10) }}": Decimal("3074457345618258602.3333333333"),
    "{{ decimal_ratio('1.5', '0.0000000004', 1) }}": 3_750_000_000,
    "{{ decimal_ratio(decimal('0.1'), decimal('-0.3'), 10) }}": Decimal("-0.3333333333"),
    "{{ decimal_ratio('1.5', 0, 10) }}": None,
    "{{ ratio('sum(n)', 'count(*)', 10) }} from (values (1), (2), (2)) as numbers (n)": Decimal("1.6666666667"),
    "round(2.5::decimal(10, 2), 0)": 3,
    "round(-2.5::decimal(10, 2), 0)": -3,
    "7 / 2": 3,
    "-7 / 2": -3,
    "-7 % 2": -1,
}
TIMES = {
    "{{ seconds_between(\"'2026-01-31 23:59:59.999999Z'::timestamptz\", \"'2026-02-01 00:00:00Z'::timestamptz\") }}":
        Decimal("0.000001"),
    "{{ seconds_between(\"'2026-03-29 00:00:00Z'::timestamptz\", \"'2026-03-28 00:00:00Z'::timestamptz\") }}": -86400,
    "{{ seconds_between('null::timestamptz', \"'2026-02-01 00:00:00Z'::timestamptz\") }}": None,
    "{{ days_between(\"'2026-03-28 12:00:00Z'::timestamptz\", \"'2026-03-31 11:59:59.999999Z'::timestamptz\") }}": 2,
    "{{ days_between(\"'2026-03-28 12:00:00Z'::timestamptz\", \"'2026-03-31 14:00:00+02:00'::timestamptz\") }}": 3,
    "{{ days_between('null::timestamptz', \"'2026-02-01 00:00:00Z'::timestamptz\") }}": None,
    "{{ instant_text(day_begun(\"'2024-02-29'::text\")) }}": "2024-02-29T00:00:00.000000Z",
    "{{ day_begun(\"'2026-02-29'::text\") }}": None,
    "{{ day_begun(\"'today'::text\") }}": None,
    "{{ day_begun('null::text') }}": None,
    "{{ instant_text(\"'2026-03-01 01:30:00.5+02:00'::timestamptz\") }}": "2026-02-28T23:30:00.500000Z",
    "{{ instant_text('null::timestamptz') }}": None,
    "('2026-03-01 01:30:00+02:00'::timestamptz at time zone 'UTC')::date": date(2026, 2, 28),
    "('2026-03-01 01:30:00+02:00'::timestamptz at time zone 'UTC')::date::text": "2026-02-28",
    "(('2026-01-31 12:00:00Z'::timestamptz + 1 * interval '1 month') at time zone 'UTC')::date": date(2026, 2, 28),
}
TEXTS = {
    "{{ matches(\"'scene_viewed'\", '^scene_') }}": True,
    "{{ matches(\"'a' || chr(10) || 'b'\", '^a.b$') }}": True,
    "{{ matches(\"'ab7'\", '^[0-9]+$') }}": False,
    "{{ matches('null', 'a') }}": None,
    "string_agg(t, ',' order by t) from (values ('b'), ('B'), ('a'), ('ä'), ('Z'), ('_')) as texts (t)": "B,Z,_,a,b,ä",
    "string_agg(t::text, ',' order by n desc) from (values (1, 'a'), (null, 'b')) as texts (n, t)": "b,a",
    "string_agg(t::text, ',' order by n) from (values (1, 'a'), (null, 'b')) as texts (n, t)": "a,b",
}
OBJECT = "\"'{\\\"a\\\": 1, \\\"b.c\\\": null, \\\"d\\\": [2]}'::\" ~ json_type()"
JSON = {
    "null::{{ json_type() }}": None,
    "{{ json_kind(\"'{}'::\" ~ json_type()) }}": "object",
    "{{ json_kind(\"'[]'::\" ~ json_type()) }}": "array",
    "{{ json_kind(\"'\\\"x\\\"'::\" ~ json_type()) }}": "string",
    "{{ json_kind(\"'1.5'::\" ~ json_type()) }}": "number",
    "{{ json_kind(\"'-7'::\" ~ json_type()) }}": "number",
    "{{ json_kind(\"'99999999999999999999999'::\" ~ json_type()) }}": "number",
    "{{ json_kind(\"'true'::\" ~ json_type()) }}": "boolean",
    "{{ json_kind(\"'null'::\" ~ json_type()) }}": "null",
    "{{ json_kind(\"null::\" ~ json_type()) }}": None,
    "{{ json_kind(\"('{}'::\" ~ json_type() ~ \" -> 'x')\") }}": None,
    "{{ json_text(\"'\\\"x y\\\"'::\" ~ json_type()) }}": "x y",
    "{{ json_text(\"'99999999999999999999999'::\" ~ json_type()) }}": "99999999999999999999999",
    "{{ json_text(\"'null'::\" ~ json_type()) }}": None,
    f"({{{{ {OBJECT} }}}}) ->> 'b.c'": None,
    f"({{{{ {OBJECT} }}}}) -> 'd'": [2],
    "string_agg({{ json_text('e.value') }}, ',' order by {{ json_text('e.value') }})"
    " from (values ('[\"x\", 7, null]'::{{ json_type() }}), ('{\"a\": 1}'), ('7'), (null)) as lists (j)"
    " cross join lateral {{ json_elements('lists.j') }} as e": "7,x",
    "string_agg(m.key || '=' || coalesce({{ json_text('m.value') }}, ''), ',' order by m.key)"
    " from (values ('{\"a\": 1, \"b\\\"c\": null}'::{{ json_type() }}), ('[1]'), (null)) as objects (j)"
    " cross join lateral {{ json_members('objects.j') }} as m": 'a=1,b"c=',
    "{{ json_object({'amount': whole('9223372036854775807') ~ ' * 10', 'share': decimal('1.5'), 'none': 'null',"
    " 'text': \"'x'\", 'at': instant_text(\"'2026-06-01 00:00:00Z'::timestamptz\")}) }}":
        {"amount": 92233720368547758070, "share": Decimal("1.5"), "none": None, "text": "x",
         "at": "2026-06-01T00:00:00.000000Z"},
    "{{ json_without_nulls(json_object({'a': '1', 'b': 'null'})) }}": {"a": 1},
    "{{ json_without_nulls(json_object({'b': 'null'})) }}": {},
    "{{ json_merged(json_object({'a': '1', 'b': '2'}), json_object({'b': '3'})) }}": {"a": 1, "b": 3},
    "{{ json_merged(json_object({'a': '1'}), 'null') }}": None,
    f"{{{{ json_without({OBJECT}, ['a', 'd', 'z']) }}}}": {"b.c": None},
    f"{{{{ json_without({OBJECT}, ['a', 'b.c', 'd']) }}}}": {},
    f"{{{{ json_only({OBJECT}, ['b.c', 'd', 'z']) }}}}": {"b.c": None, "d": [2]},
    f"{{{{ json_only({OBJECT}, ['a', 'b.c', 'd']) }}}}": {"a": 1, "b.c": None, "d": [2]},
    f"{{{{ json_only({OBJECT}, ['z']) }}}}": {},
    "{{ json_only(\"'[\\\"a\\\"]'::\" ~ json_type(), ['a']) }}": None,
    "{{ json_only(\"null::\" ~ json_type(), ['a']) }}": None,
    "{{ json_gathered('k', 'v') }} from (values ('b', 1), ('a\"', null)) as members (k, v)": {"b": 1, 'a"': None},
    "{{ json_gathered('k', 'v') }} from (values ('a', 1)) as members (k, v) where v = 2": None,
    "{{ json_array_of('n', 'n desc') }} from (values (1), (3), (2)) as numbers (n)": [3, 2, 1],
    "{{ json_array_of(json_object({'n': 'n'}), 'n') }} from (values (2), (1)) as numbers (n)": [{"n": 1}, {"n": 2}],
}
# fmt: on
EXPRESSIONS = NUMBERS | TIMES | TEXTS | JSON


def rendered(expression: str, engine: str) -> str:
    """The expression as dbt would render it for that target."""
    environment = jinja2.Environment(autoescape=False)  # noqa: S701 this is SQL
    environment.globals["target"] = {"type": engine}
    for name in ("dialect", "json"):
        module = environment.from_string((MACROS / f"{name}.sql").read_text(encoding="utf-8")).module
        environment.globals |= {key: value for key, value in vars(module).items() if not key.startswith("_")}
    return environment.from_string(expression).render()


@pytest.fixture(scope="module")
def postgres(server_conninfo: str) -> Iterator[Callable[[str], Any]]:
    with psycopg.connect(server_conninfo, options="-c timezone=UTC", row_factory=tuple_row) as connection:
        psycopg.types.json.set_json_loads(exact_json, connection)
        yield lambda query: connection.execute(query).fetchall()[0][0]  # type: ignore[arg-type]
        connection.rollback()


@pytest.fixture(scope="module")
def duck() -> Iterator[Callable[[str], Any]]:
    import yaml

    profile = yaml.safe_load((MACROS.parent / "profiles.yml").read_text(encoding="utf-8"))
    settings = profile["tally"]["outputs"]["duckdb"]["settings"]
    with duckdb.connect() as connection:
        for name, value in settings.items():
            connection.execute(f"set {name} = '{value}'")

        def answer(query: str) -> Any:
            result = connection.execute(query)
            ((value,),) = result.fetchall()
            assert result.description is not None
            return exact_json(value) if result.description[0][1] == "JSON" and value is not None else value

        yield answer


def exact_json(text: str | bytes) -> Any:
    return json.loads(text, parse_float=Decimal)


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_an_expression_is_worth_the_same_on_both_engines(
    expression: str, postgres: Callable[[str], Any], duck: Callable[[str], Any]
) -> None:
    answers = [postgres("select " + rendered(expression, "postgres")), duck("select " + rendered(expression, "duckdb"))]

    assert answers == [EXPRESSIONS[expression]] * 2
