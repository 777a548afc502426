"""The client that is measured for Tally: loads a landing zone and tells what became of the rows.

Run as `python -m tests.benchmarks.tally_load CONNINFO LANDING`; the clock starts when everything is imported.
"""

import json
import sys
import time
from collections import Counter
from pathlib import Path

import psycopg

from ingest.contract import read_contracts
from ingest.landing import find_files
from ingest.load import load_files
from ingest.settings import Settings


def main(conninfo: str, landing: str) -> None:
    systems = read_contracts(Settings.from_environment({}).contract_folders)
    began = time.perf_counter()
    with psycopg.connect(conninfo, options="-c timezone=UTC", autocommit=True) as connection:
        loads = load_files(connection, systems, find_files(Path(landing), systems))
    seconds = time.perf_counter() - began
    told: Counter[str] = Counter(load.status for load in loads)
    for load in loads:
        told.update(accepted=load.rows_accepted, duplicate=load.rows_duplicate)
        told.update(refused=load.rows_conflict + load.rows_rejected)
    print(json.dumps({"seconds": seconds, **told}))


if __name__ == "__main__":
    main(*sys.argv[1:])
