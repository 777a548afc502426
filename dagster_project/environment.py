"""What Dagster and dbt read from the process environment, derived from the settings.

Prepare it before either is imported: both look at some variables only once. Nothing here is a setting of Tally.
"""

import hashlib
import os
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import Conninfo

from ingest import server
from ingest.settings import Settings

DBT_PROJECT = Path(__file__).parent.parent / "dbt"

# Nothing of Tally talks to the outside: a run must not wait ten seconds for a name server that does not answer.
QUIET = {
    "DO_NOT_TRACK": "1",
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    "DAGSTER_DISABLE_TELEMETRY": "yes",
    "GX_ANALYTICS_ENABLED": "false",
}

# Steps print nothing, and to capture their output Dagster would start two `tail` processes for each of them.
# A run whose process was killed would otherwise be shown as going on for ever.
DAGSTER_YAML = """\
telemetry: {{enabled: false}}
nux: {{enabled: false}}
run_monitoring: {{enabled: true, max_runtime_seconds: 86400}}
compute_logs:
  module: dagster._core.storage.noop_compute_log_manager
  class: NoOpComputeLogManager
event_log_storage:
  module: dagster_project.event_log
  class: EventLog
  config: {{base_dir: {history}}}
"""


def prepare(settings: Settings) -> None:
    """Set what Dagster and dbt read, and write Dagster's own settings; starts the embedded server when needed."""
    settings.make_home()
    os.environ.update(QUIET)
    os.environ.update(dbt_environment(settings))
    os.environ["DAGSTER_HOME"] = str(dagster_home(settings))
    logs_folder(settings).mkdir(parents=True, exist_ok=True)


def dagster_home(settings: Settings) -> Path:
    """The folder of Dagster's own records, with its settings file in it."""
    home = settings.home / "dagster"
    home.mkdir(parents=True, exist_ok=True)
    text = DAGSTER_YAML.format(history=home / "history" / "runs")
    path = home / "dagster.yaml"
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")
    return home


def logs_folder(settings: Settings) -> Path:
    """Where Dagster's log of every run is written."""
    return settings.home / "logs"


def dbt_target(settings: Settings) -> Path:
    """Where dbt keeps its manifest and compiled SQL."""
    return settings.home / "dbt" / "target"


def dbt_environment(settings: Settings) -> dict[str, str]:
    """The variables `dbt/profiles.yml` reads, and where dbt may write; starts the embedded server when needed."""
    conninfo = server.start(settings)
    given = conninfo_to_dict(conninfo)
    variables = {
        "TALLY_PGHOST": given.get("host", ""),
        "TALLY_PGPORT": given.get("port", "5432"),
        "TALLY_PGUSER": given.get("user", ""),
        "TALLY_PGPASSWORD": given.get("password", ""),
        "TALLY_PGDATABASE": given.get("dbname", given.get("user", "")),
        "TALLY_DBT_FINGERPRINT": _dbt_fingerprint(),
        "DBT_TARGET_PATH": str(dbt_target(settings)),
        "DBT_LOG_PATH": str(settings.home / "dbt" / "logs"),
    }
    # dbt's profile has no field for the rest (sslmode and its like), but libpq reads it from its own variables.
    for option in Conninfo.parse(conninfo.encode()):
        name = option.keyword.decode()
        if option.val is not None and option.envvar and name not in ("host", "port", "user", "password", "dbname"):
            variables[option.envvar.decode()] = option.val.decode()
    return {name: str(value) for name, value in variables.items()}


def _dbt_fingerprint() -> str:
    """A digest of every file of the dbt project: marts built by other models are built anew."""
    files = sorted(path for path in DBT_PROJECT.rglob("*") if path.is_file())
    digest = hashlib.sha256()
    for path in files:
        digest.update(f"{path.relative_to(DBT_PROJECT)}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()
