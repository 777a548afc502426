"""The named steps of a load: the one table that says where in the loader each of them is.

The loader under test is stopped at a step by wrapping the function that stands for it, from outside, in its process.
"""

import importlib
from collections.abc import Callable, Collection
from functools import reduce, wraps
from typing import Any, NamedTuple


class Step(NamedTuple):
    """The moment before or after a call of `module.attribute`, as its caller looks it up."""

    module: str
    attribute: str
    moment: str


STEPS = {
    "file read": Step("ingest.load", "content_hash", "after"),
    "lock held": Step("ingest.load", "_is_known", "before"),
    "manifest row written": Step("ingest.load", "_begin", "after"),
    "read elsewhere": Step("ingest.reader", "_hear", "after"),
    "between batches": Step("ingest.stage", "_copy", "before"),
    "in a copy": Step("psycopg", "Copy.write", "after"),
    "staged": Step("ingest.load", "stage", "after"),
    "before merge": Step("ingest.load", "merge", "before"),
    "keys registered": Step("ingest.merge", "register_all", "after"),
    "month built": Step("ingest.partitions", "attach", "before"),
    "month attached": Step("ingest.partitions", "attach", "after"),
    "after merge": Step("ingest.load", "merge", "after"),
    "counted": Step("ingest.load", "_finish", "after"),
    "readers held": Step("ingest.load", "hold_readers", "after"),
    "after commit": Step("ingest.load", "_outcome", "before"),
}

# So little that a small file takes several batches of COPY.
BATCH_ROWS = 6
_SMALL = {
    ("ingest.formats.ndjson", "BATCH_BYTES"): 1_000,
    ("ingest.formats.csv", "BATCH_BYTES"): 600,
    ("ingest.formats.parquet", "BATCH_ROWS"): BATCH_ROWS,
}
# Every other file is large for those who wait for a process that reads it; such a process takes half a second to start.
_LARGE = {("ingest.reader", "LARGE_BYTES"): 3_000}


def arm(names: Collection[str], reached: Callable[[str], None]) -> None:
    """Call `reached(step)` in this process whenever a load comes to one of the steps."""
    for name in names:
        step = STEPS[name]
        replace_attribute(step.module, step.attribute, _stopping(name, step.moment, reached))
    sizes = _SMALL | _LARGE if "read elsewhere" in names else _SMALL
    for (module, attribute), size in sizes.items():
        replace_attribute(module, attribute, lambda _, size=size: size)


def _stopping(name: str, moment: str, reached: Callable[[str], None]) -> Callable[[Any], Any]:
    def wrap(original: Any) -> Any:
        @wraps(original)
        def stopping(*arguments: Any, **named: Any) -> Any:
            if moment == "before":
                reached(name)
            result = original(*arguments, **named)
            if moment == "after":
                reached(name)
            return result

        return stopping

    return wrap


def replace_attribute(module: str, attribute: str, wrap: Callable[[Any], Any]) -> None:
    """Put `wrap(original)` in the place of `module.attribute`; LookupError when the loader no longer has it."""
    *outer, name = attribute.split(".")
    try:
        holder = reduce(getattr, outer, importlib.import_module(module))
        original = getattr(holder, name)
    except (ImportError, AttributeError) as error:
        raise LookupError(f"{module}.{attribute} is gone: name in tests/faults what stands for it now.") from error
    setattr(holder, name, wrap(original))
