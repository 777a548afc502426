"""How a contest was settled, as tables: one function for each system that has contests.

The marts say what the result is; here the steps between are done again in whole numbers, from the rule that the
settlement names, so that a reader can follow them with a pencil.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from psycopg import Connection
from rich.console import RenderableType
from rich.text import Text

from dagster_project.commands.tables import Rows, amount, plural, table

Row = Mapping[str, Any]
SHARES_SHOWN = 30

STAKES = """
    select
        payouts.vote_id, payouts.voter_id, payouts.stake, payouts.standing,
        payouts.expected_payout, payouts.recorded_payout, payouts.difference,
        votes.option_id, coalesce(votes.option_label, votes.option_id) as option, votes.odds
    from marts.settlement_payouts as payouts
    left join marts.fct_votes as votes on payouts.system = votes.system and payouts.vote_id = votes.vote_id
    where payouts.system = %(system)s and payouts.contest_id = %(contest_id)s
    order by payouts.expected_payout desc, payouts.stake desc, payouts.vote_id
"""
PENDING = """
    select coalesce(option_label, option_id) as option, count(*) as votes, sum(stake) as stakes
    from marts.fct_votes
    where system = %(system)s and contest_id = %(contest_id)s and accepted
    group by 1
    order by 1
"""
DECISIONS = """
    select
        decisions.settled_at, decisions.ruling, coalesce(odds.option_label, decisions.outcome) as outcome,
        decisions.payouts_expected, decisions.is_in_force, decisions.superseded_by
    from marts.hermes_decisions as decisions
    left join (select distinct contest_id, option_id, option_label from marts.fct_odds) as odds
        on decisions.contest_id = odds.contest_id and decisions.outcome = odds.option_id
    where decisions.contest_id = %(contest_id)s
    order by decisions.settled_at, decisions.settlement_id
"""
DEAL = "select * from marts.advert_market_deal_money where deal_id = %(contest_id)s"
CHAIN = """
    select coalesce(seen_at, posted_at) as at, purpose, direction, chain_amount, ledger_amount, classification, tx_hash
    from marts.advert_market_chain_matches
    where deal_id = %(contest_id)s
    order by 1, match_id
"""


def reckon(connection: Connection, settlement: Row) -> Iterator[RenderableType]:
    """What to print for one row of `marts.settlements`; `connection` gives rows as mappings."""
    yield _heading(settlement)
    yield from RECKONERS[settlement["system"]](connection, settlement)


def _heading(settlement: Row) -> Text:
    text = Text(f"{settlement['system']}: {settlement['title']}\n", style="bold")
    facts = {
        "contest": settlement["contest_id"],
        "rule": settlement["rule"],
        "outcome": settlement["outcome"],
        "status": settlement["status"],
        "settled at": _instant(settlement["settled_at"]),
    }
    lines = [f"{name:<11}{fact}" for name, fact in facts.items() if fact is not None]
    return text.append("\n".join(lines), style="not bold")


def _instant(at: datetime | None) -> str | None:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC" if at else None


def _ask(connection: Connection, query: str, settlement: Row) -> list[Row]:
    found: list[Any] = connection.execute(query.encode(), dict(settlement)).fetchall()
    return found


def _shown(row: Row) -> list[Any]:
    return [_instant(value) if isinstance(value, datetime) else value for value in row.values()]


def _steps(title: str, unit: str, steps: Sequence[tuple[str, Any, str]]) -> Rows:
    return table(title, ["", unit, ""], steps)


# --- funpot: a pool is divided -----------------------------------------------------------------------------------


def _pool(connection: Connection, settlement: Row) -> Iterator[RenderableType]:
    stakes = _ask(connection, STAKES, settlement)
    if not stakes:
        yield from _not_decided(connection, settlement)
        return
    yield _by_option(stakes)
    yield _pool_steps(settlement, stakes)
    won = [stake for stake in stakes if stake["standing"] == "won"]
    if won:
        yield _shares(settlement, won)
    if any(stake["difference"] for stake in stakes):
        yield _wrongly_paid(stakes)


def _not_decided(connection: Connection, settlement: Row) -> Iterator[RenderableType]:
    votes = _ask(connection, PENDING, settlement)
    yield table("Stakes", ["option", "votes", "stakes"], [list(row.values()) for row in votes])
    yield Text(f"Nothing is settled yet: the contest is {settlement['status']}.")


def _by_option(stakes: Sequence[Row]) -> Rows:
    groups: dict[tuple[str, str], list[Decimal]] = {}
    for stake in stakes:
        groups.setdefault((stake["option"], stake["standing"]), []).append(stake["stake"])
    rows = [(option, standing, len(group), sum(group)) for (option, standing), group in sorted(groups.items())]
    return table("Stakes", ["option", "standing", "votes", "stakes"], rows)


def _pool_steps(settlement: Row, stakes: Sequence[Row]) -> Rows:
    fee_bps, step = _rule(settlement["rule"], "fee_bps"), _rule(settlement["rule"], "step")
    closing = sum(settlement[name] for name in ("payouts_expected", "fee", "breakage", "refunds"))
    return _steps(
        "The pool",
        settlement["unit"],
        [
            ("stakes", settlement["stakes"], plural(len(stakes), "vote")),
            ("− refunds", settlement["refunds"], "stakes that go back in full and stand outside the pool"),
            ("− fee", settlement["fee"], f"of every stake in the pool × {fee_bps} ÷ 10,000, rounded down, added up"),
            ("= distributable", settlement["distributable"], ""),
            ("− payouts", settlement["payouts_expected"], f"every share rounded down to a multiple of {step}"),
            ("= breakage", settlement["breakage"], "what rounding and unclaimed pools leave with the house"),
            ("recorded payouts", settlement["payouts_recorded"], _verdict(settlement["difference"])),
            ("left over", settlement["stakes"] - closing, "stakes − payouts − fee − breakage − refunds"),
        ],
    )


def _shares(settlement: Row, won: Sequence[Row]) -> Rows:
    step = int(_rule(settlement["rule"], "step"))
    rows: list[tuple[Any, ...]] = []
    for stake in won:
        pot, parts = _pot_and_parts(settlement, won, stake)
        share = f"{pot:,} × {stake['stake']:,} ÷ {parts:,}" if stake["stake"] else "free vote"
        exact = int(pot * stake["stake"]) // int(parts * step) * step if stake["stake"] else 0
        rows.append((stake["vote_id"], stake["option"], stake["stake"], share, exact, *_paid(stake)))
    shown = rows[:SHARES_SHOWN]
    if len(rows) > SHARES_SHOWN:
        rest = rows[SHARES_SHOWN:]
        totals = [sum(row[column] or 0 for row in rest) for column in (4, 5, 6, 7)]
        shown.append((f"{len(rest):,} smaller ones", "", sum(row[2] for row in rest), "", *totals))
    names = ["vote", "option", "stake", "share", f"down to {step:,}", "expected", "recorded", "difference"]
    return table("Winners", names, shown)


def _pot_and_parts(settlement: Row, won: Sequence[Row], stake: Row) -> tuple[Decimal, Decimal]:
    """What a winner's part is a part of, and of how many parts: options that tie share equally, then by stake."""
    of_option: dict[str, Decimal] = {}
    for other in won:
        if other["stake"]:
            of_option[other["option_id"]] = of_option.get(other["option_id"], Decimal(0)) + other["stake"]
    winning = sum(of_option.values(), Decimal(0))
    pot = settlement["distributable"]
    parts = of_option.get(stake["option_id"], Decimal(0)) * len(of_option)
    if "split_profit" in settlement["rule"]:
        # Stakes come back first and only the profit is split; without a profit all winners bear the lack alike.
        return (parts + pot - winning, parts) if pot >= winning else (pot, winning)
    return pot, parts


def _rule(rule: str | None, name: str) -> str:
    found = re.search(rf"\b{name}=(\S+)", rule or "")
    return found[1] if found else "1"


def _paid(stake: Row) -> tuple[Any, Any, Any]:
    return stake["expected_payout"], stake["recorded_payout"], stake["difference"]


def _wrongly_paid(stakes: Sequence[Row]) -> Rows:
    rows = [
        (stake["vote_id"], stake["voter_id"], stake["standing"], stake["stake"], *_paid(stake))
        for stake in stakes
        if stake["difference"]
    ]
    names = ["vote", "voter", "standing", "stake", "expected", "recorded", "difference"]
    return table("Paid otherwise than the rule says", names, rows)


def _verdict(difference: Decimal | None) -> str:
    if difference is None:
        return "the source records none"
    if not difference:
        return "as the rule says"
    return f"{amount(abs(difference))} {'more' if difference > 0 else 'less'} than the rule says"


# --- hermes: every pick is paid its own odds -----------------------------------------------------------------------


def _picks(connection: Connection, settlement: Row) -> Iterator[RenderableType]:
    picks = _ask(connection, STAKES, settlement)
    if not picks:
        yield from _not_decided(connection, settlement)
        return
    rows = [
        (pick["vote_id"], pick["option"], pick["odds"], pick["standing"], _profit(pick), pick["expected_payout"] - 1)
        for pick in picks
    ]
    total = sum((pick["expected_payout"] - pick["stake"] for pick in picks), Decimal(0))
    yield table("Picks, one unit each", ["pick", "outcome", "odds", "standing", "reckoned as", "P&L"], rows)
    yield _steps(
        "All picks",
        settlement["unit"],
        [
            ("staked", settlement["stakes"], plural(len(picks), "pick")),
            ("returned", settlement["payouts_expected"] + settlement["refunds"], "the odds of every pick that won"),
            ("P&L of the pickers", total, "returned − staked"),
        ],
    )
    decisions = [_shown(row) for row in _ask(connection, DECISIONS, settlement)]
    if len(decisions) > 1:
        names = ["decided at", "ruling", "outcome", "owed to winners", "in force", "superseded by"]
        yield table("Decisions", names, decisions)


def _profit(pick: Row) -> str:
    """The words for a pick's profit: the price is the one that was in force when the pick was taken."""
    return {"won": f"{pick['odds']} − 1", "lost": "0 − 1", "void": "1 − 1: the unit comes back"}[pick["standing"]]


# --- advert_market: an escrow is released or refunded --------------------------------------------------------------


def _deal(connection: Connection, settlement: Row) -> Iterator[RenderableType]:
    (deal,) = _ask(connection, DEAL, settlement)
    rate = deal["commission_rate_bp"]
    taken = f"({amount(deal['escrowed'])} − {amount(deal['refund_due'])}) × {rate} ÷ 10,000, rounded down"
    yield _steps(
        "The deal",
        deal["unit"],
        [
            ("price", deal["price"], ""),
            ("fund", deal["escrowed"], "from the chain into the escrow"),
            ("commission by rule", deal["commission_by_rule"], taken if rate is not None else "none is due"),
            ("commission", deal["commission"], "from the escrow to the platform"),
            ("release", deal["owner_share"], "from the escrow to the owner: the remainder"),
            ("refund", deal["refunded"], "from the escrow back to the advertiser"),
            ("= left in escrow", deal["escrow_held"], "fund − commission − release − refund"),
            ("sweep", deal["swept"], "of the commission, to the treasury"),
            ("payout", deal["paid_out"], "of the release, to the chain"),
            ("= owed to the owner", deal["owner_pending"], "release − payout"),
            ("difference", settlement["difference"], _verdict(settlement["difference"])),
        ],
    )
    matches = [_shown(row) for row in _ask(connection, CHAIN, settlement)]
    if matches:
        names = ["at", "purpose", "direction", "on the chain", "in the ledger", "match", "transaction"]
        yield table("On the chain", names, matches)


RECKONERS: Mapping[str, Callable[[Connection, Row], Iterator[RenderableType]]] = {
    "funpot": _pool,
    "hermes": _picks,
    "advert_market": _deal,
}
