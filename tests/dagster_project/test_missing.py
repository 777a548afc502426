"""What commands say of what the marts do not hold: a system that is held back is told from one that does not exist."""

import psycopg
import pytest

from tests.conftest import Warehouse

MARTS = """
    create table marts.settlements (system text, contest_id text);
    create table marts.leaderboards (system text, board text);
    insert into marts.leaderboards values ('funpot', 'voter_net');
    insert into audit.gate_results (gate_run_id, system, rule_id, title, severity, status)
    values
        (gen_random_uuid(), 'synapse', 'D-02', 'Levels follow from points.', 'critical', 'failed'),
        (gen_random_uuid(), 'synapse', 'D-03', 'Rewards follow from levels.', 'critical', 'failed');
"""
HELD = "synapse is held back by D-02, D-03 (see `tally status`).\n"
ANY_HELD = "held back are synapse (see `tally status`).\n"
KNOWN = "known are advert_market, funpot, hermes, storyforge, synapse.\n"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["board", "xp", "--system", "synapse"], f"synapse has no board xp; {HELD}"),
        (["board", "xp"], f"There is no board xp; there are voter_net; {ANY_HELD}"),
        (["board", "xp", "--system", "hermes"], "hermes has no board xp; there are none.\n"),
        (["board", "xp", "--system", "nosys"], f"There is no system nosys; {KNOWN}"),
        (["explain", "contest", "x", "--system", "nosys"], f"There is no system nosys; {KNOWN}"),
        (
            ["explain", "contest", "x"],
            "There is no contest x: no system knows it; `tally sql` lists them in marts.settlements; " + ANY_HELD,
        ),
    ],
)
def test_what_is_held_back_is_told_from_what_does_not_exist(
    warehouse: Warehouse, connection: psycopg.Connection, words: list[str], sentence: str
) -> None:
    connection.execute(MARTS)
    connection.commit()

    assert warehouse.tally(*words) == (2, "", sentence)
