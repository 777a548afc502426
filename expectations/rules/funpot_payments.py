"""What must hold of FunPot's payments and invitations: A-03, A-14 and A-15.

A payment is known to the ledger by its id or by its invoice.
"""

# ruff: noqa: S608 - queries and mutations are put together from parts that are written in these modules

from expectations.rule import Mutation, Rule
from expectations.rules.funpot import IN_POINTS, SIGNED_AMOUNT, USERS, copy_one, split_one, update_one

# So many invitations are followed upwards in search of a circle.
_FARTHEST_INVITER = 100


RULES = (
    # A top-up counts for the payments of its own wallet alone, so that every wallet can be judged by itself: one that
    # went to another wallet breaks the rule for both. What was taken back of a top-up later is no fault.
    Rule(
        id="A-03",
        system="funpot",
        title="Every paid payment is credited to its payer once and in full, and no other payment is.",
        severity="error",
        unit="INT",
        tables=("payments", "wallet_ledger"),
        scope=USERS,
        query=f"""
            with due as (
                select id, user_id, invoice_id, status, amount_int, updated_at
                from raw_funpot.payments
                where in_scope(payments.user_id)
            ),

            known_as as (
                select distinct on (user_id, reference) user_id, reference, payment_id
                from (
                    select user_id, id::text as reference, id as payment_id, 1 as preference from due
                    union all
                    select user_id, invoice_id, id, 2 from due where invoice_id is not null
                ) as names
                order by user_id, reference, preference, payment_id
            ),

            credited as (
                select
                    known_as.payment_id,
                    coalesce(known_as.payment_id, wallet_ledger.id) as subject,
                    min(wallet_ledger.ref_id) as reference,
                    count(*) filter (where type = 'credit') as credits,
                    coalesce(sum(amount_int) filter (where type = 'credit'), 0) as credited,
                    coalesce(sum(amount_int) filter (where type = 'debit'), 0) as taken_back,
                    max(created_at) as last_posted_at
                from raw_funpot.wallet_ledger
                left join known_as
                    on wallet_ledger.user_id = known_as.user_id and wallet_ledger.ref_id = known_as.reference
                where reason = 'stars_topup' and {IN_POINTS} and in_scope(wallet_ledger.user_id)
                group by 1, 2
            )

            select
                coalesce(due.id, credited.subject)::text as subject,
                coalesce(credited, 0) - case when status = 'paid' then amount_int else 0 end as amount,
                jsonb_build_object(
                    'status', coalesce(status, 'no payment of this user'), 'payment', amount_int,
                    'reference', reference, 'credits', coalesce(credits, 0), 'credited', coalesce(credited, 0),
                    'taken_back', coalesce(taken_back, 0)
                ) as evidence,
                coalesce(due.updated_at, credited.last_posted_at) as happened_at
            from due
            full join credited on due.id = credited.payment_id
            where case status
                when 'paid' then
                    coalesce(credits, 0) <> 1 or credited <> amount_int or coalesce(taken_back, 0) > credited
                else coalesce(credited, 0) <> coalesce(taken_back, 0)
            end
        """,
        mutations=(
            Mutation(
                name="a payment is credited one point short",
                sql=update_one("wallet_ledger", "amount_int = amount_int - 1", "reason = 'stars_topup'"),
            ),
            Mutation(
                name="the webhook of a payment came again a day later and was credited again",
                sql=copy_one(
                    "wallet_ledger",
                    "reason = 'stars_topup'",
                    idempotency_key="idempotency_key || ':again'",
                    created_at="created_at + interval '1 day'",
                ),
            ),
            Mutation(
                name="more of a top-up is taken back than was credited",
                sql=copy_one(
                    "wallet_ledger",
                    "reason = 'stars_topup'",
                    type="'debit'",
                    amount_int="amount_int + 1",
                    idempotency_key="null",
                    created_at="(select max(created_at) from raw_funpot.wallet_ledger)",
                ),
            ),
            Mutation(
                name="a paid payment was never credited",
                sql="delete from raw_funpot.wallet_ledger where id ="
                " (select id from raw_funpot.wallet_ledger where reason = 'stars_topup' order by id limit 1)",
            ),
            Mutation(
                name="a payment that was credited has failed",
                sql=update_one("payments", "status = 'failed'", "status = 'paid'"),
            ),
            Mutation(
                name="a payment is credited to somebody else",
                sql=update_one(
                    "wallet_ledger",
                    "user_id = (select id from raw_funpot.users order by id desc limit 1)",
                    "reason = 'stars_topup' and user_id <> (select id from raw_funpot.users order by id desc limit 1)",
                ),
            ),
            Mutation(
                name="a top-up names an invoice that does not exist",
                sql=update_one("wallet_ledger", "ref_id = 'inv-unknown'", "reason = 'stars_topup'"),
            ),
        ),
    ),
    # Whoever invites was there first, so a circle of invitations has a member whose inviter came later, or at the same
    # time. Only from those is the way up followed, and a clean network is never walked at all.
    Rule(
        id="A-14",
        system="funpot",
        title="Nobody is invited by oneself, not even through others, and a share is between 0 and 100 percent.",
        severity="error",
        unit=None,
        tables=("referrals",),
        query=f"""
            with recursive suspected as (
                select invited.user_id, invited.inviter_user_id
                from raw_funpot.referrals as invited
                inner join raw_funpot.referrals as inviter on invited.inviter_user_id = inviter.user_id
                where invited.user_id <> invited.inviter_user_id
                    and (inviter.created_at < invited.created_at) is not true
            ),

            walks as (
                select user_id, inviter_user_id as reached_id, 1 as steps
                from suspected
                union all
                select walks.user_id, referrals.inviter_user_id, walks.steps + 1
                from walks
                inner join raw_funpot.referrals on walks.reached_id = referrals.user_id
                where walks.reached_id <> walks.user_id
                    and referrals.inviter_user_id <> referrals.user_id
                    and walks.steps < {_FARTHEST_INVITER}
            ),

            circles as (
                select user_id, steps from walks where reached_id = user_id
            )

            select
                referrals.user_id::text as subject,
                null::numeric as amount,
                jsonb_build_object(
                    'inviter_user_id', referrals.inviter_user_id, 'percent', referrals.percent,
                    'members_of_the_circle',
                    case when referrals.inviter_user_id = referrals.user_id then 1 else circles.steps end
                ) as evidence,
                referrals.created_at as happened_at
            from raw_funpot.referrals
            left join circles on referrals.user_id = circles.user_id
            where referrals.inviter_user_id = referrals.user_id
                or circles.user_id is not null
                or referrals.percent not between 0 and 100
        """,
        mutations=(
            Mutation(
                name="somebody is invited by oneself",
                sql=update_one("referrals", "inviter_user_id = user_id", key="user_id"),
            ),
            Mutation(
                name="two people invited each other",
                sql="""
                    update raw_funpot.referrals set inviter_user_id = invited.user_id
                    from (
                        select user_id, inviter_user_id from raw_funpot.referrals
                        where inviter_user_id is not null order by user_id limit 1
                    ) as invited
                    where referrals.user_id = invited.inviter_user_id
                """,
            ),
            Mutation(
                name="three people invited one another in a circle",
                sql="""
                    with chain as (
                        select invited.user_id as last_id, inviter.inviter_user_id as first_id
                        from raw_funpot.referrals as invited
                        inner join raw_funpot.referrals as inviter on invited.inviter_user_id = inviter.user_id
                        where inviter.inviter_user_id is not null
                        order by invited.user_id
                        limit 1
                    )
                    update raw_funpot.referrals set inviter_user_id = chain.last_id
                    from chain
                    where referrals.user_id = chain.first_id
                """,
            ),
            Mutation(
                name="an inviter gets more than all of it",
                sql=update_one("referrals", "percent = 100.01", key="user_id"),
            ),
        ),
    ),
    # The share is the one on the row of the invited user, which names the inviter. A smaller bonus is none too many.
    Rule(
        id="A-15",
        system="funpot",
        title="A referral bonus goes to the inviter once for a paid payment and is at most the agreed share of it.",
        severity="error",
        unit="INT",
        tables=("wallet_ledger", "payments", "referrals"),
        query=f"""
            with due as (
                select
                    payments.id, payments.invoice_id, referrals.inviter_user_id, referrals.percent,
                    floor(payments.amount_int * referrals.percent / 100) as bonus
                from raw_funpot.payments
                inner join raw_funpot.referrals on payments.user_id = referrals.user_id
                where payments.status = 'paid' and referrals.inviter_user_id is not null
            ),

            known_as as (
                select distinct on (reference) reference, payment_id
                from (
                    select id::text as reference, id as payment_id, 1 as preference from due
                    union all
                    select invoice_id, id, 2 from due where invoice_id is not null
                ) as names
                order by reference, preference, payment_id
            ),

            bonuses as (
                select
                    known_as.payment_id,
                    coalesce(known_as.payment_id, wallet_ledger.id) as subject,
                    min(ref_id) as reference,
                    array_agg(distinct user_id) as paid_to,
                    count(*) filter (where type = 'credit') as credits,
                    sum({SIGNED_AMOUNT}) as paid,
                    max(created_at) as last_posted_at
                from raw_funpot.wallet_ledger
                left join known_as on wallet_ledger.ref_id = known_as.reference
                where reason = 'referral_bonus' and {IN_POINTS}
                group by 1, 2
            )

            select
                bonuses.subject::text as subject,
                paid - case when paid_to = array[inviter_user_id] then coalesce(bonus, 0) else 0 end as amount,
                jsonb_build_object(
                    'reference', reference, 'is_due', due.id is not null, 'percent', percent, 'bonus', bonus,
                    'inviter_user_id', inviter_user_id, 'paid_to', paid_to, 'credits', credits, 'paid', paid
                ) as evidence,
                last_posted_at as happened_at
            from bonuses
            left join due on bonuses.payment_id = due.id
            where case
                when due.id is null then paid <> 0
                else credits > 1 or paid > bonus or paid_to <> array[inviter_user_id]
            end
        """,
        mutations=(
            Mutation(
                name="a bonus is one point more than the share",
                sql=update_one("wallet_ledger", "amount_int = amount_int + 1", "reason = 'referral_bonus'"),
            ),
            Mutation(
                name="a bonus is paid in two parts",
                sql=split_one("reason = 'referral_bonus'"),
            ),
            Mutation(
                name="a bonus is paid for a payment that failed",
                sql=update_one(
                    "wallet_ledger",
                    "ref_id = (select id::text from raw_funpot.payments where status = 'failed' order by id limit 1)",
                    "reason = 'referral_bonus'",
                ),
            ),
            Mutation(
                name="a bonus goes to the payer instead of the inviter",
                sql="""
                    update raw_funpot.wallet_ledger set user_id = payments.user_id
                    from raw_funpot.payments
                    where wallet_ledger.reason = 'referral_bonus' and wallet_ledger.ref_id = payments.id::text
                        and payments.id = (
                            select ref_id::uuid from raw_funpot.wallet_ledger
                            where reason = 'referral_bonus' order by id limit 1
                        )
                """,
            ),
            Mutation(
                name="a bonus is paid for somebody who came alone",
                sql="""
                    update raw_funpot.referrals set inviter_user_id = null
                    where user_id = (
                        select payments.user_id from raw_funpot.payments
                        inner join raw_funpot.wallet_ledger on wallet_ledger.ref_id = payments.id::text
                        where wallet_ledger.reason = 'referral_bonus' order by payments.id limit 1
                    )
                """,
            ),
        ),
    ),
)
