"""Operational faults of Synapse: totals that left the journal, and a journal that lost an entry."""

import random

from ingest.sample.outbox import Fault, Outbox


def plant(outbox: Outbox, rng: random.Random) -> list[Fault]:
    """Break D-02 and D-03, each on a member of its own; returns every violation that becomes true."""
    givers = _members_with_a_plain_message(outbox)
    one, two, three = rng.sample(sorted(givers), 3)
    return [*_xp_given_twice(outbox, one), *_stars_not_added(outbox, two), *_entry_lost(outbox, givers[three])]


def _members_with_a_plain_message(outbox: Outbox) -> dict[int, int]:
    """Member → position in the journal of a message of theirs that gave XP and a star of a season."""
    return {
        record.row["user_id"]: position
        for position, record in enumerate(outbox.records["activity_log"])
        if record.row["event_type"] == "MESSAGE" and record.row["season_id"] and record.row["star_delta"]
    }


def _xp_given_twice(outbox: Outbox, user_id: int) -> list[Fault]:
    record = next(record for record in outbox.latest("users") if record.row["id"] == user_id)
    record.row["xp"] += 15
    return [Fault("D-02", "synapse", str(user_id), "the bot added the XP of one message twice")]


def _stars_not_added(outbox: Outbox, user_id: int) -> list[Fault]:
    record = next(record for record in outbox.latest("user_stats") if record.row["user_id"] == user_id)
    record.row["season_stars"] -= 1
    subject = f"{user_id}:{record.row['season_id']}"
    return [Fault("D-03", "synapse", subject, "a star was journalled but not added to the season")]


def _entry_lost(outbox: Outbox, position: int) -> list[Fault]:
    row = outbox.records["activity_log"].pop(position).row
    what = f"entry {row['id']} of the activity log was never delivered"
    return [
        Fault("D-02", "synapse", str(row["user_id"]), what),
        Fault("D-03", "synapse", f"{row['user_id']}:{row['season_id']}", what),
    ]
