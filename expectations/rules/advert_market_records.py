"""What must hold of the ad market's records as such: ids, the audit log, evidence, teams: C-21 to C-24, C-26, C-27."""

from expectations.rule import Mutation, Rule, Scope
from expectations.rules.advert_market import DEAL, NEWEST, NO_DEAL, POSTINGS, change, first_of, remove

_RECORD = Scope("advert_market_record", {"ledger_entries": "id", "deal_events": "event_id", "posting_checks": "id"})
_EVIDENCE = Scope("advert_market_evidence", {"dispute_evidence": "id"})
_CHANNEL = Scope(
    "advert_market_channel", {"channels": "id", "channel_memberships": "channel_id", "deals": "channel_id"}
)

_IDS = (
    ("ledger_entries", "id", "created_at"),
    ("deal_events", "event_id", "created_at"),
    ("posting_checks", "id", "checked_at"),
)
_TABLES = (
    "users",
    "channels",
    "channel_memberships",
    "deals",
    "ledger_entries",
    "account_balances",
    "ton_transactions",
    "audit_log",
    "deal_events",
    "posting_checks",
    "dispute_evidence",
    "notification_outbox",
)


def _repeated(table: str, key: str, at: str) -> str:
    """Rows whose id came before: in the order of ids, which an index has, none has to be remembered."""
    return f"""
        select '{table} ' || {key} as subject, null::numeric as amount,
            jsonb_build_object('rows', count(*) + 1) as evidence, max({at}) as happened_at
        from (
            select {key}, {at}, lag({key}) over (order by {key}) as before
            from raw_advert_market.{table}
            where in_scope({table}.{key})
        ) as in_order
        where {key} = before
        group by {key}
    """  # noqa: S608 - the names are written in this module


def _take_other_id(table: str, key: str, at: str) -> str:
    newest = f"select {key} from raw_advert_market.{table} order by {at} desc, {key} limit 1"  # noqa: S608
    return change(table, f"{key} = ({newest})", first_of(table, key, "true", at))


RULES = (
    Rule(
        id="C-21",
        system="advert_market",
        title="Ids of legs, events and checks are unique over all months.",
        severity="error",
        unit=None,
        tables=tuple(table for table, _, _ in _IDS),
        query=" union all ".join(_repeated(*names) for names in _IDS),
        mutations=tuple(
            Mutation(name=f"a row of {names[0]} takes the id of one in another month", sql=_take_other_id(*names))
            for names in _IDS
        ),
        needs_all=False,
        scope=_RECORD,
    ),
    Rule(
        id="C-22",
        system="advert_market",
        title="Every posting is in the audit log under its deal, and nothing is audited that was never posted.",
        severity="error",
        unit=None,
        tables=("audit_log", "ledger_entries"),
        # An act without a tx_ref moved no money. One record may be delivered a little ahead of the other.
        query=f"""
            with audited as (
                select id, tx_ref, coalesce(deal_id, {NO_DEAL}) as deal_id, operation, created_at
                from raw_advert_market.audit_log
                where tx_ref is not null
            )
            select coalesce(posted.tx_ref, kept.tx_ref)::text as subject, null::numeric as amount,
                jsonb_build_object(
                    'missing', case when kept.id is null then 'audit record' else 'posting' end,
                    'deal_id', nullif(coalesce(posted.deal_id, kept.deal_id), {NO_DEAL}),
                    'operation', kept.operation, 'audit_id', kept.id
                ) as evidence,
                coalesce(posted.first_leg_at, kept.created_at) as happened_at
            from (
                select tx_ref, deal_id, first_leg_at
                from advert_market_legs_by_posting
                where in_scope(advert_market_legs_by_posting.deal_id)
            ) as posted
            full join (select * from audited where in_scope(audited.deal_id)) as kept
                on kept.tx_ref = posted.tx_ref and kept.deal_id = posted.deal_id
            cross join advert_market_newest_instant
            where (posted.tx_ref is null or kept.id is null)
                and coalesce(posted.first_leg_at, kept.created_at) < newest_at - interval '10 minutes'
        """,  # noqa: S608 - the parts are written in the system's module
        mutations=(
            Mutation(
                name="a posting's audit record is gone",
                sql=remove("audit_log", first_of("audit_log", "id", "tx_ref is not null")),
            ),
            Mutation(
                name="a posting is gone and its audit record is left",
                sql=remove("ledger_entries", first_of("ledger_entries", "tx_ref", "deal_id is not null")),
            ),
            Mutation(
                name="an audit record names a posting that is not there",
                sql=change(
                    "audit_log", "tx_ref = gen_random_uuid()", first_of("audit_log", "id", "tx_ref is not null")
                ),
            ),
        ),
        reads=(NEWEST, POSTINGS),
        scope=DEAL,
    ),
    Rule(
        id="C-23",
        system="advert_market",
        title="Evidence is sealed with a SHA-256.",
        severity="error",
        unit=None,
        tables=("dispute_evidence",),
        # In which form the content is hashed the platform does not say, so only the seal's own form is judged.
        query="""
            select id::text as subject, null::numeric as amount,
                jsonb_build_object('deal_id', deal_id, 'content_hash', content_hash) as evidence,
                created_at as happened_at
            from raw_advert_market.dispute_evidence
            where content_hash !~* '^[0-9a-f]{64}$' and in_scope(dispute_evidence.id)
        """,
        mutations=(
            Mutation(
                name="a seal is cut short",
                sql=change(
                    "dispute_evidence",
                    "content_hash = left(content_hash, 63)",
                    first_of("dispute_evidence", "id", "true"),
                ),
            ),
            Mutation(
                name="a seal is no number",
                sql=change(
                    "dispute_evidence", "content_hash = repeat('z', 64)", first_of("dispute_evidence", "id", "true")
                ),
            ),
        ),
        scope=_EVIDENCE,
    ),
    Rule(
        id="C-24",
        system="advert_market",
        title="A channel's owner is of its team with all rights, and is the owner its deals were made with.",
        severity="error",
        unit=None,
        tables=("channels", "channel_memberships", "deals"),
        # A channel may pass to another owner later: a deal is held against the channel only if the channel's row did
        # not change since.
        query="""
            select 'channel ' || channels.id as subject, null::numeric as amount,
                jsonb_build_object('owner_id', owner_id, 'role', role, 'rights', rights) as evidence,
                channels.updated_at as happened_at
            from raw_advert_market.channels
            left join raw_advert_market.channel_memberships as members
                on members.channel_id = channels.id and members.user_id = channels.owner_id
            where in_scope(channels.id) and (role is distinct from 'OWNER' or jsonb_typeof(rights) <> 'null')
            union all
            select 'deal ' || deals.id, null,
                jsonb_build_object('owner_id', deals.owner_id, 'channel', channels.id, 'its_owner', channels.owner_id),
                deals.created_at
            from raw_advert_market.deals
            inner join raw_advert_market.channels on channels.id = deals.channel_id
            where in_scope(channels.id) and deals.owner_id <> channels.owner_id
                and channels.updated_at <= deals.created_at
        """,
        mutations=(
            Mutation(
                name="an owner is no member of the team",
                sql=remove(
                    "channel_memberships",
                    "role = 'OWNER' and channel_id = (select min(id) from raw_advert_market.channels)",
                ),
            ),
            Mutation(
                name="an owner is a manager",
                sql=change(
                    "channel_memberships",
                    "role = 'MANAGER'",
                    "role = 'OWNER' and channel_id = (select min(id) from raw_advert_market.channels)",
                ),
            ),
            Mutation(
                name="an owner has a list of rights",
                sql=change(
                    "channel_memberships",
                    """rights = '{"publish": true}'""",
                    "role = 'OWNER' and channel_id = (select min(id) from raw_advert_market.channels)",
                ),
            ),
            Mutation(
                name="a deal is made with somebody who does not own the channel",
                sql="""
                    update raw_advert_market.deals set owner_id = owner_id + 1
                    where id = (
                        select deals.id
                        from raw_advert_market.deals
                        inner join raw_advert_market.channels on channels.id = deals.channel_id
                        where channels.updated_at <= deals.created_at
                        order by deals.created_at, deals.id limit 1
                    )
                """,
            ),
        ),
        scope=_CHANNEL,
    ),
    Rule(
        id="C-26",
        system="advert_market",
        title="Nobody advertises in a channel of their own.",
        severity="warn",
        unit="nanoTON",
        tables=("deals",),
        query="""
            select id::text as subject, amount_nano::numeric as amount,
                jsonb_build_object('user_id', owner_id, 'channel_id', channel_id, 'status', status) as evidence,
                created_at as happened_at
            from raw_advert_market.deals
            where advertiser_id = owner_id and in_scope(deals.id)
        """,
        mutations=(
            Mutation(
                name="an owner buys a post of their own",
                sql=change("deals", "advertiser_id = owner_id", first_of("deals", "id", "true")),
            ),
        ),
        scope=DEAL,
    ),
    Rule(
        id="C-27",
        system="advert_market",
        title="Payout addresses stay where they are: the warehouse holds no copy of pii_store.",
        severity="warn",
        unit=None,
        tables=_TABLES,
        # Told by the catalogue, which hides nothing from a role without rights.
        query=r"""
            select relations.oid::regclass::text as subject, null::numeric as amount,
                jsonb_build_object('rows_about', relations.reltuples, 'columns', count(*)) as evidence,
                null::timestamptz as happened_at
            from pg_catalog.pg_class as relations
            inner join pg_catalog.pg_namespace as schemas on schemas.oid = relations.relnamespace
            inner join pg_catalog.pg_attribute as columns on columns.attrelid = relations.oid and columns.attnum > 0
            where (schemas.nspname like 'raw\_%' or schemas.nspname in ('staging', 'intermediate', 'marts'))
                and relations.relkind in ('r', 'p', 'v', 'm', 'f')
            group by relations.oid, relations.relname, relations.reltuples
            having relations.relname = 'pii_store' or bool_or(columns.attname = 'ton_payout_address')
        """,
        mutations=(
            Mutation(
                name="the table was loaded after all",
                sql="create table raw_advert_market.pii_store as select id as user_id from raw_advert_market.users",
            ),
            Mutation(
                name="the addresses came in with the users",
                sql="""
                    create table raw_advert_market.users_with_addresses as
                    select id, ''::bytea as ton_payout_address from raw_advert_market.users
                """,
            ),
        ),
        needs_all=False,
    ),
)
