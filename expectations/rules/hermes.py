"""The rules of hermes: none, as the study pays nothing out and no broken rule of it holds a mart back."""

from expectations.rule import Rule

RULES: tuple[Rule, ...] = ()
