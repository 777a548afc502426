"""One ODCS file: its YAML, the standard's JSON schema, and the line a problem stands on. Nothing of Tally's own."""

import json
from collections.abc import Sequence
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema_rs
import yaml

from ingest.errors import ContractError

Step = str | int


class _Loader(yaml.CSafeLoader):
    """YAML without implicit dates: a contract's dates stay the text its author wrote."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


def read_document(path: Path) -> dict[str, Any]:
    """The contract as plain data, accepted by the standard's JSON schema; else ContractError with file and line."""
    try:
        text = path.read_text(encoding="utf-8")
        document = yaml.load(text, Loader=_Loader)  # noqa: S506 - a safe loader, one resolver removed
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ContractError(path, line, f"not YAML ({error.problem}); correct the syntax.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ContractError(path, 1, f"cannot be read ({error}).") from error
    if not isinstance(document, dict):
        raise ContractError(path, 1, "is not a data contract; its top level must be a mapping.")
    for violation in _standard().iter_errors(document):
        unexpected = list(getattr(violation.kind, "unexpected", ()))
        problem = f"unknown key {unexpected[0]!r}" if unexpected else violation.message
        if '"map" is a required property' in problem:
            # So the standard's schema takes a column without a logicalType: any type could be meant, a map too.
            problem = "logicalType is missing"
        line = line_of(path, [*violation.instance_path, *unexpected[:1]])
        raise ContractError(path, line, f"{problem}; the Open Data Contract Standard does not allow that.")
    return document


def line_of(path: Path, where: Sequence[Step]) -> int:
    """The line (from 1) of the node at `where`, or of its nearest ancestor that exists."""
    node = yaml.compose(path.read_text(encoding="utf-8"), Loader=_Loader)
    line = 1
    for step in where:
        if isinstance(node, yaml.MappingNode):
            pair = next(((k, v) for k, v in node.value if k.value == step), None)
            if pair is None:
                break
            key, node = pair
            line = key.start_mark.line + 1
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
            line = node.start_mark.line + 1
        else:
            break
    return int(line)


@cache
def _standard() -> jsonschema_rs.Validator:
    schema = resources.files("open_data_contract_standard") / "schema.json"
    return jsonschema_rs.validator_for(json.loads(schema.read_text(encoding="utf-8")))
