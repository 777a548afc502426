"""What looks wrong in FunPot and is not: each oddity is put into the clean sample, and every rule still holds."""

import psycopg
import pytest

from expectations.catalogue import rules_of
from tests.expectations.asking import breaks

RECOUNT_WALLETS = """
    update raw_funpot.wallet_accounts set balance_int = (
        select coalesce(sum(case type when 'credit' then amount_int else -amount_int end), 0)
        from raw_funpot.wallet_ledger where user_id = wallet_accounts.user_id
    )
"""
POSTING = "id, user_id, type, amount_int, currency, reason, ref_id, idempotency_key, created_at, _load_id"
VOTE = "id, event_id, user_id, option_id, cost_int, idempotency_key, created_at, _load_id"
A_FINISHED_EVENT = """
    select events.id from raw_funpot.events
    inner join raw_funpot.games on events.game_id = games.id
    where result_json ? 'optionId' and rules_json ->> 'fee_bps' = '1000' and closes_at < '2026-06-29'
    order by closes_at desc limit 1
"""


def copied(where: str, **changes: str) -> str:
    """The statement that copies postings under new ids, with columns changed."""
    columns = POSTING.split(", ")
    values = ", ".join("gen_random_uuid()" if name == "id" else changes.get(name, name) for name in columns)
    return (
        f"insert into raw_funpot.wallet_ledger ({POSTING}) select {values} from raw_funpot.wallet_ledger where {where};"
    )


def kept_after_rollback(ref_id: str, key: str) -> str:
    """The statements that put a vote back which was rolled back, followed by a new one of the same user."""
    undone = "select left(idempotency_key, -9) from raw_funpot.wallet_ledger where idempotency_key like '%:rollback'"
    return f"""
        create temporary table undone as
        select taken.*, events.id as event_id, options_json -> 0 ->> 'id' as option_id
        from raw_funpot.wallet_ledger as taken
        inner join raw_funpot.events
            on taken.created_at between events.created_at and closes_at and options_json -> 0 ? 'id'
        where taken.idempotency_key in ({undone}) and state = 'closed'
            and not exists (
                select from raw_funpot.votes where votes.event_id = events.id and votes.user_id = taken.user_id
            )
        order by taken.id, events.id limit 1;
        insert into raw_funpot.votes ({VOTE})
        select ref_id::uuid, event_id, user_id, option_id, amount_int, idempotency_key, created_at, _load_id
        from undone;
        update raw_funpot.wallet_ledger set ref_id = {ref_id}, idempotency_key = {key} from undone
        where wallet_ledger.idempotency_key = undone.idempotency_key || ':rollback';
        insert into raw_funpot.votes ({VOTE})
        select gen_random_uuid(), event_id, user_id, option_id, 0, null, created_at + interval '2 seconds', _load_id
        from undone;
        update raw_funpot.events
        set totals_json = totals_json || jsonb_build_object(option_id, (totals_json ->> option_id)::int + 1)
        from undone where events.id = event_id;
    """


def recounted(total: str) -> str:
    """The statement that makes the totals of closed events what `total` says of their votes."""
    return f"""
        update raw_funpot.events set totals_json = recounted.totals
        from (
            select event_id, jsonb_object_agg(option_id, total) as totals
            from (
                select event_id, option_id, {total} as total
                from raw_funpot.votes
                inner join raw_funpot.events on votes.event_id = events.id
                left join raw_funpot.games on events.game_id = games.id
                group by event_id, option_id
            ) as options
            group by event_id
        ) as recounted
        where events.id = recounted.event_id and state = 'closed'
    """


ODDITIES = {
    "later words for the same reasons": """
        update raw_funpot.wallet_ledger set reason = case
            when reason = 'reward' then 'event_win'
            when type = 'debit' then 'event_vote'
            when idempotency_key like '%:rollback' then 'event_vote_rollback'
            else 'event_draw_refund'
        end
        where reason in ('reward', 'vote_cost')
    """,
    "later rows name the points FPC, early ones nothing": """
        update raw_funpot.wallet_ledger set currency = case when created_at < '2026-06-01' then null else 'FPC' end
    """,
    "stakes and refunds name the event instead of the vote": """
        update raw_funpot.wallet_ledger set ref_id = votes.event_id::text
        from raw_funpot.votes where ref_id = votes.id::text
    """,
    "rewards name the vote instead of the event": """
        update raw_funpot.wallet_ledger set ref_id = split_part(idempotency_key, ':', 4) where reason = 'reward'
    """,
    "top-ups and bonuses name the invoice": """
        update raw_funpot.wallet_ledger set ref_id = invoice_id
        from raw_funpot.payments where ref_id = payments.id::text
    """,
    "postings without a key": """
        update raw_funpot.wallet_ledger set idempotency_key = null where reason in ('withdraw', 'stars_topup')
    """,
    "a top-up and what it paid for carry the same instant": """
        update raw_funpot.wallet_ledger set created_at = spent.created_at
        from (
            select user_id, min(created_at) as created_at from raw_funpot.wallet_ledger where type = 'debit' group by 1
        ) as spent
        where wallet_ledger.id = (
            select id from raw_funpot.wallet_ledger where reason = 'stars_topup' order by created_at limit 1
        ) and wallet_ledger.user_id = spent.user_id
    """,
    "a top-up was charged back": copied(
        "id = (select id from raw_funpot.wallet_ledger where reason = 'stars_topup' order by created_at desc limit 1)",
        type="'debit'",
        idempotency_key="null",
    )
    + RECOUNT_WALLETS,
    "a failed payment was credited in error, and taken back": """
        update raw_funpot.payments set status = 'failed' where id::text = (
            select ref_id from raw_funpot.wallet_ledger as topups
            where reason = 'stars_topup' and not exists (
                select from raw_funpot.wallet_ledger as bonuses
                where bonuses.reason = 'referral_bonus' and bonuses.ref_id = topups.ref_id
            )
            order by created_at desc limit 1
        );
    """
    + copied(
        "reason = 'stars_topup' and ref_id in (select id::text from raw_funpot.payments where status = 'failed')",
        type="'debit'",
        idempotency_key="null",
    )
    + RECOUNT_WALLETS,
    "a reward was paid twice and taken back once": copied(
        f"reason = 'reward' and ref_id = ({A_FINISHED_EVENT})::text", idempotency_key="idempotency_key || ':again'"
    )
    + copied(
        f"idempotency_key like '%:again' and ref_id = ({A_FINISHED_EVENT})::text",
        type="'debit'",
        idempotency_key="idempotency_key || ':back'",
    ),
    "a reward comes weeks after the event": """
        update raw_funpot.wallet_ledger set created_at = created_at + interval '3 weeks' where id = (
            select id from raw_funpot.wallet_ledger where reason = 'reward' and created_at < '2026-06-01'
            order by amount_int, id limit 1
        )
    """,
    "a draw gives back more than the pool held after the fee": f"""
        delete from raw_funpot.wallet_ledger where reason = 'reward' and ref_id = ({A_FINISHED_EVENT})::text;
        insert into raw_funpot.wallet_ledger ({POSTING})
        select gen_random_uuid(), user_id, 'credit', cost_int, 'INT', 'vote_cost', id::text, null,
            created_at + interval '10 minutes', _load_id
        from raw_funpot.votes where cost_int > 0 and event_id = ({A_FINISHED_EVENT});
        update raw_funpot.events set result_json = '{{"result": "draw"}}' where id = ({A_FINISHED_EVENT});
    """
    + RECOUNT_WALLETS,
    "a vote that was rolled back is kept, and its user voted anew": kept_after_rollback(
        "undone.ref_id", "undone.idempotency_key || ':rollback'"
    ),
    "a rollback names the event and repeats the vote's key": kept_after_rollback(
        "undone.event_id::text", "undone.idempotency_key || ':rollback'"
    ),
    "a vote is gone and its stake given back under another key": """
        update raw_funpot.wallet_ledger set idempotency_key = 'undo:' || id where idempotency_key like '%:rollback'
    """,
    "a vote comes with the next delivery": """
        delete from raw_funpot.votes where id = (
            select votes.id from raw_funpot.votes
            inner join raw_funpot.events on votes.event_id = events.id
            where state = 'closed' order by votes.created_at desc limit 1
        )
    """,
    "totals count points": recounted("sum(cost_int)"),
    "totals count points less the fee": recounted(
        "sum(cost_int - floor(cost_int * coalesce((rules_json ->> 'fee_bps')::int, 0) / 10000.0))"
    ),
    "events have no totals": "update raw_funpot.events set totals_json = null",
    "a live event's totals lag by three seconds": """
        update raw_funpot.events set totals_json = (
            select coalesce(jsonb_object_agg(option_id, votes), '{}')
            from (
                select option_id, count(*) as votes from raw_funpot.votes
                where event_id = events.id and created_at < updated_at - interval '3 seconds'
                group by option_id
            ) as options
        )
        where state = 'live'
    """,
    "a game does not say its fee": "update raw_funpot.games set rules_json = rules_json - 'fee_bps'"
    " where rules_json ? 'fee_bps'",
    "a game does not say who gets a pool that nobody won": "update raw_funpot.games"
    " set rules_json = rules_json - 'no_winner' where rules_json ? 'no_winner'",
    "games are closed while their events go on": "update raw_funpot.games set status = 'closed'",
    "a game is paused and a streamer banned after their votes": """
        update raw_funpot.games set status = 'paused',
            _load_id = (select load_id from ingest.loads where status = 'loaded' order by delivered_on desc limit 1);
        update raw_funpot.streamers set status = 'banned', updated_at = '2026-07-01'
    """,
    "an event was made by a person": """
        update raw_funpot.events set source_clip_id = null, confidence = null, prompt_versions_json = null
    """,
    "an inviter's code was issued anew": "update raw_funpot.referrals set created_at = '2026-06-30'"
    " where user_id in (select inviter_user_id from raw_funpot.referrals)",
}


def put_into(sample: psycopg.Connection, oddity: str) -> None:
    """Write an oddity into the clean sample; each of its statements finds something to change there."""
    changing = sample.execute(ODDITIES[oddity])
    assert changing.rowcount
    while changing.nextset():
        assert changing.rowcount, "a statement found nothing to change in the sample"


@pytest.mark.parametrize("oddity", ODDITIES)
def test_no_rule_takes_an_oddity_for_a_fault(sample: psycopg.Connection, oddity: str) -> None:
    put_into(sample, oddity)
    assert breaks(sample, rules_of("funpot")) == {}
