"""What every rule of the catalogue must look like, and how it is found."""

import re

import pytest

from expectations.catalogue import all_rules, ordered, rule, rules_of
from expectations.rule import Rule
from ingest.contract import System
from ingest.errors import ConfigurationError
from tests.expectations import toy

HOLD_MARTS_BACK = {"A-01", "A-16", "C-01", "C-02", "C-04", "C-06", "C-08", "C-11", "D-02", "D-03", "E-03"}
LETTERS = {"A": "funpot", "B": "hermes", "C": "advert_market", "D": "synapse", "E": "storyforge"}

every_rule = pytest.mark.parametrize("each", all_rules(), ids=lambda each: each.id)


def test_the_rules_that_hold_marts_back_are_the_agreed_ones() -> None:
    assert {each.id for each in all_rules() if each.severity == "critical"} == HOLD_MARTS_BACK


@every_rule
def test_an_id_tells_its_system(each: Rule) -> None:
    assert re.fullmatch(r"[A-E]-\d\d", each.id)
    assert LETTERS[each.id[0]] == each.system


@every_rule
def test_a_title_is_one_sentence(each: Rule) -> None:
    assert each.title[0].isupper()
    assert each.title.endswith(".")
    assert "\n" not in each.title


@every_rule
def test_a_rule_reads_tables_of_its_own_system(each: Rule, systems: tuple[System, ...]) -> None:
    [system] = [system for system in systems if system.name == each.system]
    assert each.tables
    assert set(each.tables) <= {table.name for table in system.tables}
    read = set(re.findall(r"\braw_\w+\.\w+", each.query))
    assert {name.partition(".")[0] for name in read} <= {f"raw_{each.system}"}


@every_rule
def test_a_query_is_one_statement_that_depends_on_the_data_alone(each: Rule) -> None:
    assert ";" not in each.query
    assert not re.search(r"\b(now\(|current_|clock_timestamp|random\()", each.query)


@every_rule
def test_a_rule_has_mutations_with_names_of_their_own(each: Rule) -> None:
    assert each.mutations
    assert len({mutation.name for mutation in each.mutations}) == len(each.mutations)


def test_rules_are_found_by_id_and_by_system() -> None:
    assert rule("A-01") in rules_of("funpot")
    assert [each.id for each in all_rules()] == sorted(each.id for each in all_rules())


def test_a_system_without_rules_has_none() -> None:
    assert rules_of("a_sixth_system") == ()


def test_an_unknown_id_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="no rule Z-99"):
        rule("Z-99")


def test_an_id_given_twice_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"Two rules are called T-01: “One\.” and “Two\.”"):
        ordered([toy.rule(title="One."), toy.rule(title="Two.")])
