"""Every rule of every system, found by id.

The rules themselves live in `expectations/rules/`: `RULES` of `<system>.py` and of its parts `<system>_<part>.py`.
"""

import pkgutil
from collections.abc import Iterable
from functools import cache
from importlib import import_module

from expectations import rules as rule_modules
from expectations.columns import columns_rule, key_rules
from expectations.references import references_rule
from expectations.rule import Rule
from expectations.seals import seals_rule
from ingest.contract import System
from ingest.errors import ConfigurationError

UNIQUE_KEYS = {"C-21", "E-01"}  # they hold the keys of all their tables


@cache
def all_rules() -> tuple[Rule, ...]:
    """All rules of all systems, ordered by id. A system without a rules module simply has none."""
    names = sorted(module.name for module in pkgutil.iter_modules(rule_modules.__path__))
    return ordered(rule for name in names for rule in import_module(f"expectations.rules.{name}").RULES)


def rules_of(system: str) -> tuple[Rule, ...]:
    """The rules of one system, ordered by id; empty for a system that has none."""
    return tuple(rule for rule in all_rules() if rule.system == system)


def rules_for(system: System) -> tuple[Rule, ...]:
    """Everything that is asked of a system: its own rules, and those that its contract gives."""
    own = rules_of(system.name)
    unique = {table for each in own if each.id in UNIQUE_KEYS for table in each.tables}
    sealed = {table for each in own if each.needs_seal for table in each.tables}
    derived = (
        references_rule(system),
        columns_rule(system),
        *key_rules(system, held_elsewhere=unique),
        seals_rule(system, but=sealed),
    )
    return (*own, *(each for each in derived if each))


def rule(rule_id: str) -> Rule:
    """The rule with this id; ConfigurationError when there is none."""
    for candidate in all_rules():
        if candidate.id == rule_id:
            return candidate
    raise ConfigurationError(f"There is no rule {rule_id}; `tally check --format json` lists them all.")


def ordered(rules: Iterable[Rule]) -> tuple[Rule, ...]:
    """The rules by id; an id given twice is refused, since verdicts are stored and looked up by it."""
    by_id: dict[str, Rule] = {}
    for candidate in rules:
        other = by_id.setdefault(candidate.id, candidate)
        if other is not candidate:
            raise ConfigurationError(
                f"Two rules are called {candidate.id}: “{other.title}” and “{candidate.title}”; rename one."
            )
    return tuple(by_id[rule_id] for rule_id in sorted(by_id))
