"""What must hold in FunPot before anybody counts its points: the wallets agree with their ledger, each and in total,
and none was ever overdrawn: A-01, A-02 and A-16.

What the other rules of FunPot share stands here too. Payments and invitations have their own module, `funpot_payments`;
votes, `funpot_votes`; what goes back and what is won, `funpot_settlements` and `funpot_pools`; the events themselves,
`funpot_events`.
"""

# ruff: noqa: S608 - queries and mutations are put together from parts that are written in these modules

from expectations.rule import Mutation, Rule, Scope

USERS = Scope(
    "funpot_users",
    {"wallet_accounts": "user_id", "wallet_ledger": "user_id", "payments": "user_id", "votes": "user_id"},
)

# FPC is the later name of INT: the same points. A posting in any other currency belongs to no balance.
_UNIT = "case when currency = 'FPC' then 'INT' else coalesce(currency, 'INT') end"
IN_POINTS = "(currency in ('INT', 'FPC') or currency is null)"
SIGNED_AMOUNT = "case when type = 'credit' then amount_int else -amount_int end"

# What a posting of an event did. The source has no reason of its own for giving a stake back, so the direction tells; a
# rollback repeats the key of its stake. The later words of the source mean the same as the earlier ones.
MOVEMENT = """case
    when reason = 'event_vote_rollback' then 'rolled_back'
    when reason = 'event_draw_refund' then 'refunded'
    when reason in ('reward', 'event_win') then 'rewarded'
    when reason not in ('vote_cost', 'event_vote') then null
    when type = 'debit' then 'taken'
    when right(idempotency_key, 9) = ':rollback' then 'rolled_back'
    else 'refunded'
end"""
ON_STAKES = "reason in ('vote_cost', 'event_vote', 'event_vote_rollback', 'event_draw_refund')"

# What a posting refers to, where that is the id of a vote, an event or a payment.
REFERENCE = "case when pg_input_is_valid(ref_id, 'uuid') then ref_id::uuid end"

# The newest instant delivered, against which ages are judged. Every vote and every posting also changes one of these
# small tables, so the large ones need not be read for it.
NEWEST = """newest as (
    select greatest(
        (select max(greatest(created_at, updated_at)) from raw_funpot.events),
        (select max(updated_at) from raw_funpot.wallet_accounts),
        (select max(updated_at) from raw_funpot.payments)
    ) as delivered_until
)"""

_COLUMNS = {
    "wallet_ledger": ("user_id", "type", "amount_int", "currency", "reason", "ref_id", "idempotency_key", "created_at"),
    "votes": ("event_id", "user_id", "option_id", "cost_int", "idempotency_key", "created_at"),
}


def update_one(table: str, change: str, where: str = "true", key: str = "id") -> str:
    """A mutation of one row: the first by key of a table that meets `where`."""
    first = f"select {key} from raw_funpot.{table} where {where} order by {key} limit 1"
    return f"update raw_funpot.{table} set {change} where {key} = ({first})"


def copy_one(table: str, where: str, **changes: str) -> str:
    """A mutation that adds one row: a copy of the first that meets `where`, under a new id and with columns changed."""
    columns = _COLUMNS[table]
    values = ", ".join(changes.get(column, column) for column in columns)
    return f"""
        insert into raw_funpot.{table} (id, {", ".join(columns)}, _load_id)
        select gen_random_uuid(), {values}, _load_id from raw_funpot.{table} where {where} order by id limit 1
    """


def split_one(where: str) -> str:
    """A mutation that makes two postings of one, the first that meets `where`: all but one point, and the last."""
    return f"""
        with lessened as (
            update raw_funpot.wallet_ledger set amount_int = amount_int - 1
            where id = (select id from raw_funpot.wallet_ledger where {where} and amount_int > 1 order by id limit 1)
            returning *
        )
        insert into raw_funpot.wallet_ledger
        select gen_random_uuid(), user_id, type, 1, currency, reason, ref_id, null, created_at, _load_id
        from lessened
    """


RULES = (
    Rule(
        id="A-01",
        system="funpot",
        title="Every wallet balance equals the credits minus the debits of its ledger.",
        severity="critical",
        unit="INT",
        tables=("wallet_accounts", "wallet_ledger"),
        scope=USERS,
        query=f"""
            with ledger as (
                select
                    user_id,
                    {_UNIT} as unit,
                    sum({SIGNED_AMOUNT}) as balance,
                    count(*) as postings,
                    max(created_at) as last_posted_at
                from raw_funpot.wallet_ledger
                where in_scope(wallet_ledger.user_id)
                group by 1, 2
            ),

            accounts as (
                select user_id, 'INT' as unit, balance_int::numeric as balance, updated_at
                from raw_funpot.wallet_accounts
                where in_scope(wallet_accounts.user_id)
            )

            select
                user_id::text || case when unit = 'INT' then '' else ' ' || unit end as subject,
                coalesce(accounts.balance, 0) - coalesce(ledger.balance, 0) as amount,
                jsonb_build_object(
                    'recorded', accounts.balance,
                    'ledger', coalesce(ledger.balance, 0),
                    'postings', coalesce(ledger.postings, 0),
                    'last_posted_at', ledger.last_posted_at
                ) as evidence,
                coalesce(accounts.updated_at, ledger.last_posted_at) as happened_at
            from accounts
            full join ledger using (user_id, unit)
            where coalesce(accounts.balance, 0) <> coalesce(ledger.balance, 0)
        """,
        mutations=(
            Mutation(
                name="one balance is one point too high",
                sql="update raw_funpot.wallet_accounts set balance_int = balance_int + 1"
                " where user_id = (select user_id from raw_funpot.wallet_ledger order by user_id limit 1)",
            ),
            Mutation(
                name="an account with postings is missing",
                sql="delete from raw_funpot.wallet_accounts where user_id ="
                " (select user_id from raw_funpot.wallet_accounts where balance_int > 0 order by user_id limit 1)",
            ),
            Mutation(
                name="two wallets swap a point, so that the total still agrees",
                sql="""
                    update raw_funpot.wallet_accounts as accounts
                    set balance_int = accounts.balance_int + moved.points
                    from (
                        select user_id, 3 - 2 * row_number() over (order by user_id) as points
                        from raw_funpot.wallet_accounts
                        order by user_id
                        limit 2
                    ) as moved
                    where accounts.user_id = moved.user_id
                """,
            ),
        ),
    ),
    # Postings of one instant have no order of their own, so all of them count before the balance is judged. `offset 0`
    # has them sorted: to follow the index of users took 2.1 seconds instead of 1.1 for 800,000.
    Rule(
        id="A-02",
        system="funpot",
        title="No wallet was ever overdrawn.",
        severity="error",
        unit="INT",
        tables=("wallet_ledger",),
        scope=USERS,
        query=f"""
            with moved as not materialized (
                select user_id, created_at, {SIGNED_AMOUNT} as amount
                from raw_funpot.wallet_ledger
                where {IN_POINTS} and in_scope(wallet_ledger.user_id)
                offset 0
            ),

            running as (
                select user_id, created_at, sum(amount) over (partition by user_id order by created_at) as balance
                from moved
            )

            select
                user_id::text as subject,
                -min(balance) as amount,
                jsonb_build_object(
                    'lowest', min(balance), 'overdrawn_at', min(created_at), 'postings_below_zero', count(*)
                ) as evidence,
                min(created_at) as happened_at
            from running
            where balance < 0
            group by user_id
        """,
        mutations=(
            Mutation(
                name="a first top-up is posted twenty days after what was paid with it",
                sql="update raw_funpot.wallet_ledger set created_at = created_at + interval '20 days' where id ="
                " (select id from raw_funpot.wallet_ledger where reason = 'stars_topup' order by created_at limit 1)",
            ),
            Mutation(
                name="a withdrawal takes more than the wallet held",
                sql=update_one("wallet_ledger", "amount_int = 1000000", "reason = 'withdraw' and type = 'debit'"),
            ),
        ),
    ),
    Rule(
        id="A-16",
        system="funpot",
        title="All wallets together hold the top-ups, bonuses, rewards and refunds less the stakes and withdrawals.",
        severity="critical",
        unit="INT",
        tables=("wallet_ledger", "wallet_accounts"),
        query=f"""
            with movements as (
                select
                    {_UNIT} as unit,
                    coalesce(reason, 'unexplained') || ' ' || type as movement,
                    sum({SIGNED_AMOUNT}) as amount
                from raw_funpot.wallet_ledger
                group by 1, 2
            ),

            house as (
                select unit, sum(amount) as paid_out, jsonb_object_agg(movement, amount) as movements
                from movements
                group by 1
            ),

            wallets as (
                select 'INT' as unit, coalesce(sum(balance_int), 0) as held
                from raw_funpot.wallet_accounts
            )

            select
                'HOUSE' || case when unit = 'INT' then '' else ' ' || unit end as subject,
                coalesce(wallets.held, 0) - coalesce(house.paid_out, 0) as amount,
                jsonb_build_object('held', wallets.held, 'paid_out', house.paid_out, 'movements', house.movements)
                    as evidence,
                null::timestamptz as happened_at
            from wallets
            full join house using (unit)
            where coalesce(wallets.held, 0) <> coalesce(house.paid_out, 0)
        """,
        mutations=(
            Mutation(
                name="points appear in one wallet from nowhere",
                sql=update_one("wallet_accounts", "balance_int = balance_int + 500", key="user_id"),
            ),
            Mutation(
                name="a withdrawal is posted that no wallet was charged for",
                sql=copy_one(
                    "wallet_ledger",
                    "true",
                    type="'debit'",
                    amount_int="250",
                    reason="'withdraw'",
                    ref_id="null",
                    idempotency_key="null",
                ),
            ),
        ),
    ),
)
