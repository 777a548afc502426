"""Views that stand: those that a build need not make again, four in five, which is 2 s of one that finds little new.

Rendering such a view asks the database nothing, so that its SQL is the same in all builds of one project; and it is
there as this project made it: a view's comment is the fingerprint of the project (dbt/macros/views.sql). Until a build
of the project is published, none stands: making a mart that is not there yet drops what reads the mart in progress.
"""

import os
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from psycopg import Connection

Manifest = Mapping[str, Any]

# What a macro must call to learn something from the database while SQL is rendered.
_ASKING = {"macro.dbt.run_query", "macro.dbt.statement"}

_MADE_BY_THIS_PROJECT = """
    select relnamespace::regnamespace || '.' || relname
    from pg_class
    where
        relkind = 'v'
        and obj_description(oid, 'pg_class') = %(fingerprint)s
        and obj_description('marts'::regnamespace, 'pg_namespace') = %(fingerprint)s
"""


def standing_views(parsed: Manifest, connection: Connection) -> list[str]:
    """The ids of the views that stand, of a parsed project and the warehouse it was built in."""
    fingerprint = {"fingerprint": os.environ["TALLY_DBT_FINGERPRINT"]}
    made = {name for (name,) in connection.execute(_MADE_BY_THIS_PROJECT, fingerprint)}
    return [
        node["unique_id"]
        for node in parsed["nodes"].values()
        if _is_view(node) and f"{node['schema']}.{node['name']}" in made and _ASKING.isdisjoint(_macros(parsed, node))
    ]


def all_but(parsed: Manifest, views: Collection[str]) -> list[str]:
    """The words that select everything but these views; dbt takes 5 ms for a name, so the others are not named."""
    if not views:
        return []
    nodes = [node for node in parsed["nodes"].values() if node["resource_type"] in ("model", "seed", "test")]
    others = sorted({node["config"]["materialized"] for node in nodes if not _is_view(node)})
    names = [node["name"] for node in nodes if _is_view(node) and node["unique_id"] not in views]
    return ["--select", *(f"config.materialized:{other}" for other in others), *names]


class Turns:
    """When a standing view's turn has come in a build that leaves it out: after everything that it reads."""

    def __init__(self, parsed: Manifest, standing: Collection[str]) -> None:
        built = {id for id, node in parsed["nodes"].items() if node["resource_type"] in ("model", "seed")}
        self._waits_for = {view: built.intersection(parsed["parent_map"][view]) for view in standing}

    def after(self, *built: str) -> Iterator[str]:
        """Those that waited for these models and seeds alone; after none, those that read nothing of what is built."""
        for awaited in self._waits_for.values():
            awaited.difference_update(built)
        ready = [view for view, awaited in self._waits_for.items() if not awaited]
        for view in ready:
            del self._waits_for[view]
            yield view
        if ready:
            yield from self.after(*ready)


def _is_view(node: Mapping[str, Any]) -> bool:
    return node["resource_type"] == "model" and bool(node["config"]["materialized"] == "view")


def _macros(parsed: Manifest, node: Mapping[str, Any]) -> set[str]:
    """Every macro that rendering a model can come to."""
    found: set[str] = set()
    waiting: list[str] = list(node["depends_on"]["macros"])
    while waiting:
        macro = waiting.pop()
        if macro not in found:
            found.add(macro)
            waiting += parsed["macros"][macro]["depends_on"]["macros"]
    return found
