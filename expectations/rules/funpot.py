"""What must hold in FunPot before anybody counts its points: the wallets agree with their ledger, each and in total."""

from expectations.rule import Mutation, Rule

# FPC is the later name of INT: the same points. A posting in any other currency belongs to no balance.
RULES = (
    Rule(
        id="A-01",
        system="funpot",
        title="Every wallet balance equals the credits minus the debits of its ledger.",
        severity="critical",
        unit="INT",
        tables=("wallet_accounts", "wallet_ledger"),
        query="""
            with ledger as (
                select
                    user_id,
                    case when currency = 'FPC' then 'INT' else coalesce(currency, 'INT') end as unit,
                    sum(case when type = 'credit' then amount_int else -amount_int end) as balance,
                    count(*) as postings,
                    max(created_at) as last_posted_at
                from raw_funpot.wallet_ledger
                group by 1, 2
            ),

            accounts as (
                select user_id, 'INT' as unit, balance_int::numeric as balance
                from raw_funpot.wallet_accounts
            )

            select
                user_id::text || case when unit = 'INT' then '' else ' ' || unit end as subject,
                coalesce(accounts.balance, 0) - coalesce(ledger.balance, 0) as amount,
                jsonb_build_object(
                    'recorded', accounts.balance,
                    'ledger', coalesce(ledger.balance, 0),
                    'postings', coalesce(ledger.postings, 0),
                    'last_posted_at', ledger.last_posted_at
                ) as evidence
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
    Rule(
        id="A-16",
        system="funpot",
        title="All wallets together hold the top-ups, bonuses, rewards and refunds less the stakes and withdrawals.",
        severity="critical",
        unit="INT",
        tables=("wallet_ledger", "wallet_accounts"),
        query="""
            with movements as (
                select
                    case when currency = 'FPC' then 'INT' else coalesce(currency, 'INT') end as unit,
                    coalesce(reason, 'unexplained') || ' ' || type as movement,
                    sum(case when type = 'credit' then amount_int else -amount_int end) as amount
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
                    as evidence
            from wallets
            full join house using (unit)
            where coalesce(wallets.held, 0) <> coalesce(house.paid_out, 0)
        """,
        mutations=(
            Mutation(
                name="points appear in one wallet from nowhere",
                sql="update raw_funpot.wallet_accounts set balance_int = balance_int + 500"
                " where user_id = (select user_id from raw_funpot.wallet_accounts order by user_id limit 1)",
            ),
            Mutation(
                name="a withdrawal is posted that no wallet was charged for",
                sql="insert into raw_funpot.wallet_ledger"
                " select gen_random_uuid(), user_id, 'debit', 250, currency, 'withdraw', null, null,"
                " created_at, _load_id"
                " from raw_funpot.wallet_ledger order by created_at limit 1",
            ),
        ),
    ),
)
