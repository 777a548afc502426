"""Drifts planted in a clean sample: one account each, with the cause that the warehouse must name.

A drift is planted in what a source wrote, before it is delivered, so that it arrives as a real one would. Accounts and
postings are chosen at random; what no other record of the source can witness is left out, and said where.
"""

import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from ingest.sample.outbox import Outbox, Record, uuid4

PER_CAUSE = 4
Row = dict[str, Any]


@dataclass(frozen=True)
class Drift:
    """An account that must drift by `amount`, why, and the posting at which it parts, where one can be named; else the
    first balance that differs, where balances alone tell."""

    system: str
    account_id: str
    cause: str
    amount: int
    entry_id: str | None = None
    parted_by: datetime | None = None


@dataclass
class Books:
    """One kind of account in an outbox: its postings, and the versions of the balance that the source keeps."""

    outbox: Outbox
    rng: random.Random
    entries: str
    balances: str
    account_of_entry: Callable[[Row], str | None]
    account_of_balance: Callable[[Row], str]
    amount: Callable[[Row], int]
    balance: str
    posted_at: str
    entry_id: Callable[[Row], str]
    used: set[str] = field(default_factory=set)
    touched: set[object] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.postings: dict[str, list[Record]] = defaultdict(list)
        self.versions: dict[str, list[Record]] = defaultdict(list)
        for record in self.outbox.records[self.entries]:
            account_id = self.account_of_entry(record.row)
            if account_id and self.amount(record.row):
                self.postings[account_id].append(record)
        for record in self.outbox.records[self.balances]:
            self.versions[self.account_of_balance(record.row)].append(record)
        for versions in self.versions.values():
            versions.sort(key=lambda record: record.at)

    def choose(self, suits: Callable[[str], bool] = lambda account_id: True) -> str:
        """An account with postings that nothing was planted in."""
        account_id = self.rng.choice(sorted(a for a in self.postings if a not in self.used and suits(a)))
        self.used.add(account_id)
        return account_id

    def pick(self, account_id: str, suits: Callable[[Row], bool]) -> Record:
        """One of the account's postings; never two of those that were written together, which witness each other."""
        free = [r for r in self.postings[account_id] if suits(r.row) and r.row.get("tx_ref") not in self.touched]
        record = self.rng.choice(free)
        self.touched.add(record.row.get("tx_ref", record.row["id"]))
        return record

    def has(self, account_id: str, suits: Callable[[Row], bool]) -> bool:
        """Whether there is one to pick."""
        return any(suits(r.row) and r.row.get("tx_ref") not in self.touched for r in self.postings[account_id])

    def delivery(self, record: Record) -> int:
        """The number of the delivery that brings a record."""
        return self.outbox._delivery_of(record)

    def stop_projection(self, account_id: str, cut: int) -> int:
        """Keep the first `cut` versions of a balance; returns the drift that makes."""
        versions = self.versions[account_id]
        kept, gone = versions[:cut], {id(record) for record in versions[cut:]}
        self.outbox.records[self.balances] = [
            record for record in self.outbox.records[self.balances] if id(record) not in gone
        ]
        last = versions[-1].row[self.balance]
        return int((kept[-1].row[self.balance] if kept else 0) - last)

    def forget(self, record: Record) -> None:
        """A posting that is never delivered."""
        self.outbox.records[self.entries] = [r for r in self.outbox.records[self.entries] if r is not record]

    def uncount(self, account_id: str, since: Record, amount: int) -> None:
        """The balances from a posting on are without it."""
        for version in self.versions[account_id]:
            if version.at >= since.at:
                version.row[self.balance] -= amount


def unknown_accounts(system: str, books: Books) -> Iterator[Drift]:
    for _ in range(PER_CAUSE):
        account_id = books.choose(lambda a: bool(books.versions[a]) and books.versions[a][-1].row[books.balance] != 0)
        yield Drift(system, account_id, "unknown account", books.stop_projection(account_id, 0))


def stale_projections(system: str, books: Books, has_clock: bool = True) -> Iterator[Drift]:
    """A balance that stopped. One that keeps no time can only be told to be old by its delivery."""

    def cuts(account_id: str) -> list[int]:
        versions = books.versions[account_id]
        last = versions[-1].row[books.balance] if versions else 0
        return [
            cut
            for cut in range(1, len(versions))
            if versions[cut - 1].row[books.balance] != last
            and versions[cut - 1].at < versions[cut].at
            and (has_clock or books.delivery(versions[cut - 1]) < books.delivery(versions[cut]))
        ]

    for _ in range(PER_CAUSE):
        account_id = books.choose(lambda a: bool(cuts(a)))
        yield Drift(
            system,
            account_id,
            "stale projection",
            books.stop_projection(account_id, books.rng.choice(cuts(account_id))),
        )


def late_rows(system: str, books: Books, also: Iterable[Books] = ()) -> Iterator[Drift]:
    """A posting that came with the last delivery, after a balance that should have held it and does not."""
    last = books.outbox.period.deliveries - 1

    def is_early(account_id: str) -> bool:
        return bool(books.versions[account_id]) and books.delivery(books.versions[account_id][-1]) < last

    for _ in range(PER_CAUSE):
        account_id = books.choose(is_early)
        record = books.rng.choice(books.postings[account_id])
        record.late_days = books.outbox.period.days
        for book in (books, *also):
            other = book.account_of_entry(record.row)
            if other and book.amount(record.row):
                book.used.add(other)
                book.uncount(other, record, book.amount(record.row))
                if is_early(account_id) and book.delivery(book.versions[other][-1]) < last:
                    yield Drift(system, other, "late row", -book.amount(record.row), book.entry_id(record.row))


def missing_entries(
    system: str, books: Books, witnessed: Callable[[Row], bool], also: Iterable[Books] = ()
) -> Iterator[Drift]:
    for _ in range(PER_CAUSE):
        account_id = books.choose(lambda a: books.has(a, witnessed))
        record = books.pick(account_id, witnessed)
        books.forget(record)
        for book in (books, *also):
            other = book.account_of_entry(record.row)
            if other and book.amount(record.row):
                book.used.add(other)
                yield Drift(system, other, "missing entry", book.amount(record.row))


def silent_changes(system: str, books: Books) -> Iterator[Drift]:
    """A balance that holds, from one of its versions on, what no other record of the source tells of."""

    def cuts(account_id: str) -> list[int]:
        versions = books.versions[account_id]
        return [n for n in range(1, len(versions)) if books.delivery(versions[n - 1]) < books.delivery(versions[n])]

    for _ in range(PER_CAUSE):
        account_id = books.choose(lambda a: bool(cuts(a)))
        first = books.rng.choice(cuts(account_id))
        amount = books.rng.randint(1, 9) * 10**12 + 7  # more than any posting, so that none can be taken for it
        for version in books.versions[account_id][first:]:
            version.row[books.balance] += amount
        yield Drift(system, account_id, "missing entry", amount, parted_by=books.versions[account_id][first].at)


def duplicates(
    system: str,
    books: Books,
    new_id: Callable[[], object],
    keyed: Callable[[Row], bool] = lambda row: True,
    witnessed: Callable[[Row], bool] = lambda row: True,
    also: Iterable[Books] = (),
) -> Iterator[Drift]:
    """The same act a second time, up to two days later where a key or a reference ties the two together."""
    for _ in range(PER_CAUSE):
        account_id = books.choose(lambda a: books.has(a, witnessed))
        record = books.pick(account_id, witnessed)
        pause = timedelta(seconds=books.rng.randint(0, 2 * 86_400)) if keyed(record.row) else timedelta()
        at = min(record.row[books.posted_at] + pause, books.outbox.period.end - timedelta(microseconds=1))
        again = record.row | {"id": new_id(), books.posted_at: at}
        books.outbox.add(books.entries, again, at)
        for book in (books, *also):
            other = book.account_of_entry(record.row)
            if other and book.amount(record.row):
                book.used.add(other)
                # Of two rows of one instant either may be called the repetition.
                yield Drift(
                    system, other, "duplicate", -book.amount(record.row), book.entry_id(again) if pause else None
                )


def wrong_amounts(
    system: str, books: Books, column: str, witnessed: Callable[[Row], bool], named: bool = True
) -> Iterator[Drift]:
    for _ in range(PER_CAUSE):
        account_id = books.choose(lambda a: books.has(a, witnessed))
        record = books.pick(account_id, witnessed)
        before = books.amount(record.row)
        record.row[column] += books.rng.randint(1, 40)
        entry_id = books.entry_id(record.row) if named else None
        yield Drift(system, account_id, "wrong amount", before - books.amount(record.row), entry_id)


def plant_funpot(outbox: Outbox, rng: random.Random) -> Iterator[Drift]:
    """Wallets. Nothing but its own posting tells of a withdrawal, so its amount is taken as posted."""
    books = Books(
        outbox,
        rng,
        "wallet_ledger",
        "wallet_accounts",
        lambda row: f"WALLET:{row['user_id']}",
        lambda row: f"WALLET:{row['user_id']}",
        lambda row: row["amount_int"] if row["type"] == "credit" else -row["amount_int"],
        "balance_int",
        "created_at",
        lambda row: str(row["id"]),
    )
    yield from late_rows("funpot", books)
    yield from stale_projections("funpot", books)
    yield from unknown_accounts("funpot", books)
    yield from missing_entries("funpot", books, lambda row: True)
    yield from silent_changes("funpot", books)
    yield from duplicates("funpot", books, lambda: uuid4(rng))
    yield from wrong_amounts("funpot", books, "amount_int", lambda row: row["reason"] != "withdraw", named=False)


def plant_advert_market(outbox: Outbox, rng: random.Random) -> Iterator[Drift]:
    """Accounts of the double-entry ledger: every leg is witnessed by the others of its posting."""
    books = Books(
        outbox,
        rng,
        "ledger_entries",
        "account_balances",
        lambda row: str(row["account_id"]),
        lambda row: str(row["account_id"]),
        lambda row: row["amount_nano"] if row["direction"] == "CREDIT" else -row["amount_nano"],
        "balance_nano",
        "created_at",
        lambda row: str(row["id"]),
    )
    yield from late_rows("advert_market", books)
    yield from stale_projections("advert_market", books)
    yield from unknown_accounts("advert_market", books)
    yield from missing_entries("advert_market", books, lambda row: True)
    yield from silent_changes("advert_market", books)
    yield from duplicates("advert_market", books, lambda: uuid4(rng))
    yield from wrong_amounts("advert_market", books, "amount_nano", lambda row: True)


def plant_synapse(outbox: Outbox, rng: random.Random) -> Iterator[Drift]:
    """XP and stars. No record says what an entry should give; counts say how many there should be."""
    xp = Books(
        outbox,
        rng,
        "activity_log",
        "users",
        lambda row: f"XP:{row['user_id']}",
        lambda row: f"XP:{row['id']}",
        lambda row: row["xp_delta"],
        "xp",
        "timestamp",
        lambda row: f"{row['id']}:XP",
    )
    stars = Books(
        outbox,
        rng,
        "activity_log",
        "user_stats",
        lambda row: f"STARS:{row['user_id']}:{row['season_id']}" if row["season_id"] else None,
        lambda row: f"STARS:{row['user_id']}:{row['season_id']}",
        lambda row: row["star_delta"],
        "season_stars",
        "timestamp",
        lambda row: f"{row['id']}:STARS",
    )

    def counted(row: Row) -> bool:
        by_season = row["season_id"] and row["event_type"] not in ("MANUAL_AWARD", "QUEST_COMPLETE")
        return bool(by_season) or row["event_type"] in ("MESSAGE", "THREAD_CREATE") or bool(row["star_delta"])

    ids = iter(range(10**8, 2 * 10**8))
    yield from late_rows("synapse", xp, also=[stars])
    _leave_alone(xp, stars)
    yield from missing_entries("synapse", xp, counted, also=[stars])
    _leave_alone(xp, stars)
    yield from duplicates(
        "synapse",
        xp,
        lambda: next(ids),
        lambda row: bool(row["source_event_id"]),
        lambda row: bool(row["season_id"]) or row["event_type"] != "VOICE_TICK",
        also=[stars],
    )
    _leave_alone(xp, stars)
    yield from stale_projections("synapse", xp)
    _leave_alone(xp, stars)
    yield from stale_projections("synapse", stars, has_clock=False)
    _leave_alone(stars, xp)
    yield from unknown_accounts("synapse", xp)
    _leave_alone(xp, stars)
    yield from unknown_accounts("synapse", stars)
    _leave_alone(stars, xp)
    yield from wrong_amounts("synapse", xp, "xp_delta", lambda row: True, named=False)
    _leave_alone(xp, stars)
    yield from wrong_amounts("synapse", stars, "star_delta", lambda row: True, named=False)


def _leave_alone(planted: Books, other: Books) -> None:
    """A member with one planted drift gets no second one in the other unit."""
    members = {account_id.split(":")[1] for account_id in planted.used}
    other.used |= {account_id for account_id in other.postings if account_id.split(":")[1] in members}
