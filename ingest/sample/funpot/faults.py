"""Wrong balances and a lost posting, planted in a FunPot sample: what the wallet rules must find, and nothing else."""

import random
from collections import defaultdict
from uuid import UUID

from ingest.sample.outbox import Fault, Outbox, Record

_BONUS = 37


def plant(outbox: Outbox, rng: random.Random) -> list[Fault]:
    """Break three wallets: one shows too much, one lost a top-up, one lost its account row.

    The total of all wallets is wrong with them, so the house is a subject too.
    """
    accounts = {record.row["user_id"]: record for record in outbox.latest("wallet_accounts")}
    postings: dict[UUID, list[Record]] = defaultdict(list)
    for record in outbox.records["wallet_ledger"]:
        postings[record.row["user_id"]].append(record)
    topped_up = [user for user, records in postings.items() if any(_is_topup(record) for record in records)]
    wealthy = [user for user in topped_up if accounts[user].row["balance_int"] > 0]
    richer, robbed, unknown = rng.sample(wealthy, 3)

    # More than the missing account held, so that the faults cannot cancel each other in the total.
    accounts[richer].row["balance_int"] += accounts[unknown].row["balance_int"] + _BONUS
    lost = next(record for record in postings[robbed] if _is_topup(record))
    outbox.records["wallet_ledger"].remove(lost)
    outbox.records["wallet_accounts"] = [
        record for record in outbox.records["wallet_accounts"] if record.row["user_id"] != unknown
    ]
    return [
        Fault("A-01", "funpot", str(richer), "the balance shows points that no posting explains"),
        Fault("A-01", "funpot", str(robbed), "the ledger lost a top-up that the balance still holds"),
        Fault("A-01", "funpot", str(unknown), "the account row was never delivered, its postings were"),
        Fault("A-16", "funpot", "HOUSE", "the wallets do not hold what the postings left in them"),
    ]


def _is_topup(record: Record) -> bool:
    return bool(record.row["reason"] == "stars_topup")
