"""What must hold of the ad market's ledger and of its projection: C-01, C-02, C-04 and C-06.

A credit is money that enters an account; the legs of one posting share a tx_ref.
"""

from expectations.rule import Mutation, Rule

_FIRST_LEG = "id = (select id from raw_advert_market.ledger_entries order by created_at, id limit 1)"
_FIRST_POSTING = "tx_ref = (select tx_ref from raw_advert_market.ledger_entries order by created_at, id limit 1)"


def copy_legs(which: str, tx_ref: str = "tx_ref", deal_id: str = "deal_id", created_at: str = "created_at") -> str:
    """The statement that writes the legs selected by `which` again under new ids, with columns changed as told."""
    return f"""
        insert into raw_advert_market.ledger_entries (
            id, tx_ref, account_id, direction, amount_nano, deal_id, description, created_at, _load_id
        )
        select gen_random_uuid(), {tx_ref}, account_id, direction, amount_nano, {deal_id}, description,
            {created_at}, _load_id
        from raw_advert_market.ledger_entries where {which}
    """  # noqa: S608 - the parts are written in the rules' own modules


RULES = (
    Rule(
        id="C-01",
        system="advert_market",
        title="All debits of the ledger together equal all credits.",
        severity="critical",
        unit="nanoTON",
        tables=("ledger_entries",),
        query="""
            select 'ledger' as subject, credit - debit as amount,
                jsonb_build_object('debit', debit, 'credit', credit) as evidence
            from (
                select coalesce(sum(amount_nano) filter (where direction = 'DEBIT'), 0) as debit,
                    coalesce(sum(amount_nano) filter (where direction = 'CREDIT'), 0) as credit
                from raw_advert_market.ledger_entries
            ) as totals
            where debit <> credit
        """,
        mutations=(Mutation(name="one leg is written twice", sql=copy_legs(_FIRST_LEG)),),
    ),
    Rule(
        id="C-02",
        system="advert_market",
        title="Every posting balances, has both sides and belongs to one deal at one instant.",
        severity="critical",
        unit="nanoTON",
        tables=("ledger_entries",),
        # Legs are stamped one after the other, so a minute is allowed between the first and the last. Only what
        # the treasury does for itself (sweeps, their reversal, withdrawals) belongs to no deal.
        query="""
            select tx_ref::text as subject, credit - debit as amount,
                jsonb_build_object(
                    'legs', legs, 'debit', debit, 'credit', credit, 'deals', deals,
                    'legs_without_deal', legs_without_deal, 'first_leg_at', first_leg_at, 'last_leg_at', last_leg_at
                ) as evidence
            from (
                select tx_ref, count(*) as legs,
                    coalesce(sum(amount_nano) filter (where direction = 'DEBIT'), 0) as debit,
                    coalesce(sum(amount_nano) filter (where direction = 'CREDIT'), 0) as credit,
                    count(*) filter (where direction = 'DEBIT') as debit_legs,
                    count(*) filter (where direction = 'CREDIT') as credit_legs,
                    count(distinct deal_id) as deals,
                    count(*) filter (where deal_id is null) as legs_without_deal,
                    bool_or(account_id = 'PLATFORM_TREASURY') as by_treasury,
                    min(created_at) as first_leg_at, max(created_at) as last_leg_at
                from raw_advert_market.ledger_entries
                group by tx_ref
            ) as postings
            where debit <> credit or debit_legs = 0 or credit_legs = 0 or deals > 1
                or (legs_without_deal > 0 and not by_treasury)
                or last_leg_at - first_leg_at > interval '1 minute'
        """,
        mutations=(
            Mutation(name="one leg is written twice", sql=copy_legs(_FIRST_LEG)),
            Mutation(name="a leg stands alone", sql=copy_legs(_FIRST_LEG, tx_ref="gen_random_uuid()")),
            Mutation(name="a posting names many deals", sql=copy_legs(_FIRST_POSTING, deal_id="gen_random_uuid()")),
            Mutation(name="a deal's posting has legs without it", sql=copy_legs(_FIRST_POSTING, deal_id="null::uuid")),
            Mutation(
                name="a posting goes on two minutes later",
                sql=copy_legs(_FIRST_POSTING, created_at="created_at + interval '2 minutes'"),
            ),
        ),
    ),
    Rule(
        id="C-04",
        system="advert_market",
        title="Every recorded balance equals the credits minus the debits of its account.",
        severity="critical",
        unit="nanoTON",
        tables=("account_balances", "ledger_entries"),
        query="""
            select account_id::text as subject, coalesce(recorded, 0) - coalesce(ledger, 0) as amount,
                jsonb_build_object('recorded', recorded, 'ledger', ledger) as evidence
            from (select account_id, balance_nano as recorded from raw_advert_market.account_balances) as projection
            full join (
                select account_id,
                    sum(case direction when 'CREDIT' then amount_nano when 'DEBIT' then -amount_nano end) as ledger
                from raw_advert_market.ledger_entries
                group by account_id
            ) as accounts using (account_id)
            where coalesce(recorded, 0) <> coalesce(ledger, 0)
        """,
        mutations=(
            Mutation(
                name="one balance is one nano too high",
                sql="""
                    update raw_advert_market.account_balances set balance_nano = balance_nano + 1
                    where account_id = (select min(account_id) from raw_advert_market.account_balances)
                """,
            ),
            Mutation(
                name="the balance of an account is missing",
                sql="delete from raw_advert_market.account_balances where account_id = 'EXTERNAL_TON'",
            ),
            Mutation(
                name="a balance is kept for an account without entries",
                sql="""
                    insert into raw_advert_market.account_balances (account_id, balance_nano, updated_at, _load_id)
                    select 'OWNER_PENDING:0', 1, max(updated_at), max(_load_id) from raw_advert_market.account_balances
                """,
            ),
        ),
    ),
    Rule(
        id="C-06",
        system="advert_market",
        title="All recorded balances together are zero.",
        severity="critical",
        unit="nanoTON",
        tables=("account_balances",),
        query="""
            select 'account_balances' as subject, total as amount, jsonb_build_object('accounts', accounts) as evidence
            from (
                select sum(balance_nano) as total, count(*) as accounts from raw_advert_market.account_balances
            ) as projection
            where total <> 0
        """,
        mutations=(
            Mutation(
                name="one balance is one nano too low",
                sql="""
                    update raw_advert_market.account_balances set balance_nano = balance_nano - 1
                    where account_id = (select max(account_id) from raw_advert_market.account_balances)
                """,
            ),
        ),
    ),
)
