"""What must hold of the ad market's history: C-20, by the seals over it."""

from expectations.rule import Mutation
from expectations.seals import immutability
from ingest.contract import read_contract
from ingest.seal_rows import sealable
from ingest.settings import SHIPPED_CONTRACTS

_TABLES = ("ledger_entries", "deal_events", "audit_log", "dispute_evidence")
_SEALABLE = {table.name: table for table in sealable([read_contract(SHIPPED_CONTRACTS / "advert_market.odcs.yaml")])}

RULES = (
    immutability(
        "C-20",
        [_SEALABLE[name] for name in _TABLES],
        mutations=(
            Mutation(
                name="an amount in the ledger is changed",
                sql="""
                    update raw_advert_market.ledger_entries set amount_nano = amount_nano + 1
                    where id = (select id from raw_advert_market.ledger_entries order by id limit 1)
                """,
            ),
            Mutation(
                name="a transition of a deal is deleted",
                sql="""
                    delete from raw_advert_market.deal_events
                    where event_id = (select event_id from raw_advert_market.deal_events order by event_id limit 1)
                """,
            ),
            Mutation(
                name="a posting is inserted with an old date, as if an old load had brought it",
                sql="""
                    insert into raw_advert_market.ledger_entries (
                        id, tx_ref, account_id, direction, amount_nano, deal_id, created_at, _load_id
                    )
                    select gen_random_uuid(), gen_random_uuid(), account_id, direction, amount_nano, deal_id,
                        created_at, _load_id
                    from raw_advert_market.ledger_entries
                    order by created_at, id limit 1
                """,
            ),
            Mutation(
                name="two rows of the audit log exchange what they say",
                sql="""
                    with two as (
                        (select * from raw_advert_market.audit_log order by id limit 1)
                        union all
                        (select * from raw_advert_market.audit_log order by id desc limit 1)
                    )
                    update raw_advert_market.audit_log as mine
                    set deal_id = other.deal_id, operation = other.operation, created_at = other.created_at
                    from two as one
                    inner join two as other on one.id <> other.id
                    where mine.id = one.id
                """,
            ),
            Mutation(
                name="evidence in a dispute is rewritten",
                sql="""
                    update raw_advert_market.dispute_evidence set content = '{"text": "nothing happened"}'
                    where id = (select id from raw_advert_market.dispute_evidence order by id limit 1)
                """,
            ),
        ),
    ),
)
