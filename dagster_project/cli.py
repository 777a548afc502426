"""`tally`: the one command line. It parses, calls and reports; each command lives in the module of its name.

Nothing heavy is imported before a command runs, so that `tally --help` answers at once.
"""

import gc
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from dagster_project.commands import (
    board,
    check,
    demo,
    erase,
    explain,
    explore,
    lake,
    load,
    prove,
    pull,
    quarantine,
    run,
    seal,
    sql,
    status,
    ui,
    verify,
)
from ingest.errors import TallyError

INTERRUPTED = 130
# Loading Dagster, dbt and Great Expectations takes 3.5 s so, and 4.9 s with Python's default of 700.
OBJECTS_BETWEEN_COLLECTIONS = 100_000

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="An analytics warehouse for platforms that count events, votes and money: every answer proven.",
)
app.command()(demo.demo)
app.command()(run.run)
app.command()(pull.pull)
app.command()(load.load)
app.command()(check.check)
app.command()(sql.sql)
app.command()(status.status)
app.add_typer(quarantine.app, name="quarantine")
app.command()(board.board)
app.add_typer(explain.app, name="explain")
app.command()(explore.explore)
app.command()(lake.lake)
app.command()(seal.seal)
app.command()(verify.verify)
app.command()(prove.prove)
app.command()(erase.erase)
app.command()(ui.ui)
app.command()(ui.stop)


@app.callback()
def options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error; may stand anywhere.")] = False,
) -> None:
    """Take `--debug`, which `main` has already looked for among all words."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; errors are one sentence on stderr."""
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS)
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in words
    words = [word for word in words if word != "--debug"]
    try:
        app(words, prog_name="tally")
    except (SystemExit, KeyboardInterrupt) as ended:
        code = _exit_code(ended)
        if code == INTERRUPTED:
            print("Interrupted.", file=sys.stderr)
        return code
    except Exception as error:
        if debug:
            raise
        print(_sentence(error), file=sys.stderr)
        return error.exit_code if isinstance(error, TallyError) else _code_of_stranger(error)
    finally:
        gc.freeze()  # else the exit of `tally run` takes 1.6 s to free, object by object, what four libraries loaded
    return 0


def _exit_code(ended: SystemExit | KeyboardInterrupt) -> int:
    """The code that a command ends with; typer turns an interrupt of one into an exit."""
    if isinstance(ended, KeyboardInterrupt):
        return INTERRUPTED
    return ended.code if isinstance(ended.code, int) else int(ended.code is not None)


def _sentence(error: Exception) -> str:
    if isinstance(error, TallyError):
        return str(error)
    if _is_lost_connection(error):
        return f"The database stopped answering: {' '.join(str(error).split())}"
    return f"{type(error).__name__}: {' '.join(str(error).split())} (run it again with --debug to see where)"


def _code_of_stranger(error: Exception) -> int:
    return 3 if _is_lost_connection(error) else 1


def _is_lost_connection(error: Exception) -> bool:
    psycopg = sys.modules.get("psycopg")
    if psycopg is None:
        return False
    # A server that ends what idles or lasts too long says so in a class of errors of its own.
    ended = (psycopg.errors.IdleInTransactionSessionTimeout, psycopg.errors.TransactionTimeout)
    return isinstance(error, (psycopg.OperationalError, *ended))
