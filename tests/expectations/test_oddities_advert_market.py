"""What happens in a sound ad market and only looks wrong breaks none of its rules.

An oddity is written into the clean sample as legs, transactions and events; projection and audit log then follow, as
the platform keeps them. What the sample shows by itself is only looked for.
"""

import psycopg
import pytest
import yaml

from dagster_project.environment import DBT_PROJECT
from expectations.catalogue import rules_of
from expectations.rules.advert_market import copy_legs
from expectations.rules.advert_market_escrow import COMMISSION_RATES_BP
from tests.expectations.asking import breaks

RULES = rules_of("advert_market")
NEWEST = "(select max(created_at) from raw_advert_market.deal_events)"
LATELY = f"{NEWEST} - interval '15 minutes'"
DAY_AGO = f"{NEWEST} - interval '1 day'"


def deal(where: str) -> str:
    """The first deal that meets `where`, large enough to be divided."""
    return f"""
        select deals.* from raw_advert_market.deals
        where {where} and amount_nano > 1000 and amount_nano < 1e15 order by created_at, id limit 1
    """


CANCELLED_UNPAID = deal("status = 'CANCELLED' and funded_at is null")
RELEASED = deal("status = 'COMPLETED_RELEASED' and payout_tx_hash is not null")
DISPUTED = deal("status = 'REFUNDED' and refunded_tx_hash is not null")
REFUNDED = deal("status = 'CANCELLED' and funded_at is not null and refunded_tx_hash is not null")
AWAITING = deal("status = 'AWAITING_PAYMENT'")
SCHEDULED = deal("status = 'SCHEDULED'")
EXPIRED = deal("status = 'EXPIRED' and scheduled_at is not null")


def post(chosen: str, *legs: tuple[str, str, str], at: str = DAY_AGO, deal_id: str = "chosen.id") -> str:
    """The statement that writes one posting; accounts and amounts are expressions over the chosen row."""
    values = ", ".join(f"({account}, '{side}', ({amount})::bigint)" for account, side, amount in legs)
    return f"""
        insert into raw_advert_market.ledger_entries (
            id, tx_ref, account_id, direction, amount_nano, deal_id, created_at, _load_id
        )
        select gen_random_uuid(), tx_ref, leg.account_id, leg.direction, leg.amount_nano, {deal_id}, {at}, _load_id
        from (select *, gen_random_uuid() as tx_ref from ({chosen}) as row) as chosen
        cross join lateral (values {values}) as leg (account_id, direction, amount_nano);
    """


def send(chosen: str, direction: str, amount: str, status: str = "CONFIRMED", at: str = DAY_AGO) -> str:
    """The statement that writes one transaction on the chain."""
    return f"""
        insert into raw_advert_market.ton_transactions (
            tx_hash, direction, amount_nano, deal_id, confirmations, status, created_at, _load_id
        )
        select md5(gen_random_uuid()::text), '{direction}', {amount}, id, 5, '{status}', {at}, _load_id
        from ({chosen}) as chosen;
    """


def move(chosen: str, status: str, at: str) -> str:
    """The statements that bring a deal into another status."""
    return f"""
        insert into raw_advert_market.deal_events (
            event_id, deal_id, event_type, from_status, to_status, created_at, _load_id
        )
        select gen_random_uuid(), id, 'DEAL_STATE_CHANGED', status, '{status}', {at}, _load_id 
        from ({chosen}) as chosen;
        update raw_advert_market.deals set status = '{status}', updated_at = {at}
        where id = (select id from ({chosen}) as chosen);
    """


def legs_of(chosen: str, debited: str, credited: str) -> str:
    """The condition on legs of the deal's posting between these kinds of accounts."""
    return f"""
        tx_ref in (
            select tx_ref from raw_advert_market.ledger_entries where deal_id = (select id from ({chosen}) as chosen)
            group by tx_ref
            having bool_or(account_id like '{debited}%' and direction = 'DEBIT')
                and bool_or(account_id like '{credited}%' and direction = 'CREDIT')
        )
    """


LATE, PART, ESCROW = ("'" + kind + ":' || chosen.id" for kind in ("LATE_DEPOSIT", "PARTIAL_DEPOSIT", "ESCROW"))
COINS, TREASURY, FEES = "'EXTERNAL_TON'", "'PLATFORM_TREASURY'", "'NETWORK_FEES'"
PRICE, HALF = "chosen.amount_nano", "chosen.amount_nano / 2"
RELEASE = legs_of(RELEASED, "ESCROW", "OWNER_PENDING")
PAYOUT = legs_of(RELEASED, "OWNER_PENDING", "EXTERNAL_TON")
FUNDING = legs_of(RELEASED, "EXTERNAL_TON", "ESCROW")
DISPUTE = legs_of(DISPUTED, "ESCROW", "EXTERNAL_TON")
REFUND = legs_of(REFUNDED, "ESCROW", "EXTERNAL_TON")
SWAPPED = "case direction when 'DEBIT' then 'CREDIT' else 'DEBIT' end"


def again(which: str, seconds: int, **changed: str) -> str:
    """The statement that writes a posting once more, so many seconds later."""
    later = {"tx_ref": f"md5(tx_ref || '{seconds}')::uuid", "created_at": f"created_at + interval '{seconds} seconds'"}
    return copy_legs(which, **later, **changed) + ";"


FOLLOWS = """
    insert into raw_advert_market.account_balances (account_id, balance_nano, last_entry_id, updated_at, _load_id)
    select account_id, sum(case direction when 'CREDIT' then amount_nano else -amount_nano end),
        (array_agg(id order by created_at desc))[1], max(created_at), 1
    from raw_advert_market.ledger_entries group by account_id
    on conflict (account_id) do update set balance_nano = excluded.balance_nano,
        last_entry_id = excluded.last_entry_id, updated_at = excluded.updated_at;
    insert into raw_advert_market.audit_log (id, actor_type, operation, tx_ref, deal_id, payload, created_at, _load_id)
    select distinct on (tx_ref) gen_random_uuid(), 'SYSTEM', 'POSTING', tx_ref, deal_id, '{}'::jsonb, created_at,
        _load_id
    from raw_advert_market.ledger_entries as legs
    where not exists (select from raw_advert_market.audit_log where audit_log.tx_ref = legs.tx_ref);
"""

ODDITIES = {
    "a release is reversed by a posting of its own and made again": again(RELEASE, 10, direction=SWAPPED)
    + again(RELEASE, 20),
    "a payout comes back because its transaction failed, and is made again": again(PAYOUT, 10, direction=SWAPPED)
    + again(PAYOUT, 20)
    + send(
        RELEASED, "OUT", f"(select amount_nano from raw_advert_market.ledger_entries where {PAYOUT} limit 1)", "FAILED"
    ),
    "a refund comes back because its transaction failed, and is made again": again(DISPUTE, 10, direction=SWAPPED)
    + again(DISPUTE, 20)
    + send(DISPUTED, "OUT", "amount_nano", "FAILED"),
    "the first version books no more than the price of what came in": f"""
        update raw_advert_market.ton_transactions set amount_nano = amount_nano + 5
        where tx_hash = (select deposit_tx_hash from ({RELEASED}) as chosen)
    """,
    "the first version books nothing of a part of the price": send(CANCELLED_UNPAID, "IN", HALF),
    "a part of the price waits for the rest": send(AWAITING, "IN", HALF)
    + post(AWAITING, (COINS, "DEBIT", HALF), (PART, "CREDIT", HALF)),
    "a price comes in two parts that are promoted together": f"""
        update raw_advert_market.ledger_entries set account_id = replace(account_id, 'EXTERNAL_TON', {PART})
        from ({RELEASED}) as chosen where {FUNDING};
    """
    + post(RELEASED, (COINS, "DEBIT", HALF), (PART, "CREDIT", HALF), at="chosen.funded_at - interval '1 hour'")
    + post(
        RELEASED,
        (COINS, "DEBIT", f"{PRICE} - {HALF}"),
        (PART, "CREDIT", f"{PRICE} - {HALF}"),
        at="chosen.funded_at - interval '1 minute'",
    ),
    "a deposit comes after the deal was cancelled and goes back": send(CANCELLED_UNPAID, "IN", PRICE)
    + post(CANCELLED_UNPAID, (COINS, "DEBIT", PRICE), (LATE, "CREDIT", PRICE))
    + post(CANCELLED_UNPAID, (LATE, "DEBIT", PRICE), (COINS, "CREDIT", PRICE), at=f"{DAY_AGO} + interval '30 minutes'")
    + send(CANCELLED_UNPAID, "OUT", PRICE),
    "gas is taken off what goes back to the advertiser": f"""
        insert into raw_advert_market.ledger_entries
        select gen_random_uuid(), tx_ref, 'NETWORK_FEES', direction, 7, deal_id, null, created_at, _load_id
        from raw_advert_market.ledger_entries where account_id = 'EXTERNAL_TON' and {REFUND};
        update raw_advert_market.ledger_entries set amount_nano = amount_nano - 7
        where account_id = 'EXTERNAL_TON' and {REFUND};
        update raw_advert_market.ton_transactions set amount_nano = amount_nano - 7
        where tx_hash = (select refunded_tx_hash from ({REFUNDED}) as chosen);
    """,
    "the treasury pays the gas of a payout": post(
        RELEASED, (TREASURY, "DEBIT", "7"), (FEES, "CREDIT", "7"), deal_id="null"
    ),
    "dust is written off": post(RELEASED, ("'DUST_WRITEOFF'", "DEBIT", "7"), (TREASURY, "CREDIT", "7"), deal_id="null"),
    "a sweep names the deal whose commission it takes": """
        update raw_advert_market.ledger_entries
        set deal_id = (
            select split_part(max(legs.account_id) filter (where legs.account_id like 'COMMISSION:%'), ':', 2)::uuid
            from raw_advert_market.ledger_entries as legs where legs.tx_ref = ledger_entries.tx_ref
        )
        where account_id like 'COMMISSION:%' and direction = 'DEBIT' and deal_id is null;
        update raw_advert_market.audit_log set deal_id = legs.deal_id
        from raw_advert_market.ledger_entries as legs where legs.tx_ref = audit_log.tx_ref and legs.deal_id is not null
    """,
    "a payout is under way and posted already": f"""
        update raw_advert_market.ton_transactions set status = 'PENDING', created_at = {NEWEST} - interval '9 minutes'
        where tx_hash = (select tx_hash from raw_advert_market.ton_transactions where deal_id is null limit 1)
    """,
    "a deal was cancelled a moment ago and its refund is on the way": move(SCHEDULED, "CANCELLED", NEWEST),
    "a scheduled deal expires and is refunded": move(SCHEDULED, "EXPIRED", LATELY)
    + post(EXPIRED, (ESCROW, "DEBIT", PRICE), (COINS, "CREDIT", PRICE), at=LATELY)
    + send(EXPIRED, "OUT", PRICE, at=LATELY),
    "no event says that a deal began": "delete from raw_advert_market.deal_events where to_status = 'DRAFT'",
    "an event changes no status": """
        update raw_advert_market.deal_events set from_status = null, to_status = null
        where event_id = (
            select event_id from raw_advert_market.deal_events as drafted
            where to_status = 'DRAFT' order by created_at limit 1
        )
    """,
    "a channel passes to another owner after its deals": """
        update raw_advert_market.channels set owner_id = owner_id + 1, updated_at = updated_at + interval '90 days';
        update raw_advert_market.channel_memberships set user_id = user_id + 1 where role = 'OWNER'
    """,
    "a post is deleted after its deal has ended": f"""
        insert into raw_advert_market.posting_checks
        select gen_random_uuid(), id, 1, 'DELETED', null, {DAY_AGO}, _load_id
        from ({RELEASED}) as chosen
    """,
    "nobody could look at a post": """
        update raw_advert_market.posting_checks set result = 'API_ERROR' where details ->> 'scheduled_hours' = '8'
    """,
    "a seal is written in capitals": "update raw_advert_market.dispute_evidence set content_hash = upper(content_hash)",
    "a deposit has more blocks than it needs": "update raw_advert_market.ton_transactions set confirmations = 900",
    "an audit record tells of no money": """
        update raw_advert_market.audit_log set operation = 'PAYOUT' where tx_ref is null
    """,
}

# Query by query, what the sample shows by itself.
BY_SIGN = "select sum(balance_nano) from raw_advert_market.account_balances where account_id = 'EXTERNAL_TON'"
SHOWN = {
    "a release has three legs": f"select count(*) = 3 from raw_advert_market.ledger_entries where {RELEASE}",
    "a release has no commission": """
        select bool_or(legs = 2) from (
            select count(*) as legs from raw_advert_market.ledger_entries group by tx_ref
            having bool_or(account_id like 'ESCROW:%') and bool_or(account_id like 'OWNER%')
        ) as releases
    """,
    "the chain's account is negative": f"select ({BY_SIGN}) < 0",
    "a cancelled deal was refunded": f"select exists ({REFUNDED})",
    "a deal was revised more than once": """
        select exists (
            select from raw_advert_market.deal_events where to_status = 'FUNDED' group by deal_id having count(*) > 2
        )
    """,
    "two deposits make one price": """
        select exists (
            select from raw_advert_market.ton_transactions where direction = 'IN' group by deal_id having count(*) > 1
        )
    """,
    "a posting lies on both sides of a month's end": """
        select exists (
            select from raw_advert_market.ledger_entries group by tx_ref
            having date_trunc('month', min(created_at)) < date_trunc('month', max(created_at))
        )
    """,
    "a payout failed and was sent again": """
        select exists (select from raw_advert_market.ton_transactions where status = 'FAILED')
    """,
    "an owner waits for a payout": """
        select exists (
            select from raw_advert_market.account_balances where account_id like 'OWNER%' and balance_nano > 0
        )
    """,
    "a sweep was reversed": """
        select exists (
            select from raw_advert_market.ledger_entries where account_id = 'PLATFORM_TREASURY' and direction = 'DEBIT'
        )
    """,
}


@pytest.mark.parametrize(("name", "statements"), ODDITIES.items(), ids=ODDITIES)
def test_an_oddity_breaks_no_rule(sample: psycopg.Connection, name: str, statements: str) -> None:
    assert sample.execute(statements).rowcount, "there was nothing to change in the sample"  # type: ignore[arg-type]
    sample.execute(FOLLOWS)
    assert breaks(sample, RULES) == {}


@pytest.mark.parametrize(("name", "query"), SHOWN.items(), ids=SHOWN)
def test_the_sample_shows(sample: psycopg.Connection, name: str, query: str) -> None:
    assert sample.execute(query).fetchone() == (True,)  # type: ignore[arg-type]


def test_the_commission_rates_are_those_of_the_marts() -> None:
    project = yaml.safe_load((DBT_PROJECT / "dbt_project.yml").read_text())
    assert list(COMMISSION_RATES_BP) == project["vars"]["c002_rates_bp"]
