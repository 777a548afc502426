"""The ad market: a period in which all deals live side by side.

One deal's life is in `advert_market_deal`, its money in `advert_market_escrow`, everybody's money in
`advert_market_ledger`, the people in `advert_market_parties`.
"""

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from ingest.sample.advert_market.deal import DealLife
from ingest.sample.advert_market.escrow import Market
from ingest.sample.advert_market.ledger import Books, Chain, sweep_daily, withdraw_fortnightly
from ingest.sample.advert_market.parties import Messenger, Parties, register_parties
from ingest.sample.advert_market.plans import SHOWN, Plan, everyday_plan
from ingest.sample.advert_market.timeline import Timeline
from ingest.sample.outbox import Outbox, Period, instants

_DEALS_PER_DAY = 700 / 60


def simulate(outbox: Outbox, period: Period, rng: random.Random, scale: int) -> None:
    """Write a period of the ad market: about 700 deals in sixty days, times `scale`."""
    timeline = Timeline(period.start, period.end)
    parties = register_parties(outbox, period, timeline, rng, scale)
    books, chain = Books(outbox, timeline, rng), Chain(outbox, timeline, rng)
    market = Market(outbox, timeline, rng, books, chain, Messenger(outbox, timeline, rng), parties.operator_ids)
    for drafted_at, plan in _plans(period, rng, round(_DEALS_PER_DAY * period.days * scale)):
        timeline.start(_new_deal(market, parties, plan).live(), drafted_at)
    timeline.start(sweep_daily(timeline, books, parties.operator_ids[0]))
    timeline.start(withdraw_fortnightly(timeline, books, chain))
    timeline.run()


def _plans(period: Period, rng: random.Random, count: int) -> Iterator[tuple[datetime, Plan]]:
    """When deals are drafted and what becomes of them: the shown ones, one across each month's end, the others."""
    special = [(period.start + timedelta(minutes=5 * position), plan) for position, plan in enumerate(SHOWN)]
    for day in range(4, period.days):
        midnight = period.start + timedelta(days=day)
        if midnight.day == 1:
            special.append((midnight - timedelta(days=4), Plan(scheduled=True, released_at=midnight)))
    # Late enough for payouts to be unclaimed at the end, and for a callback to repeat what was delivered before.
    for oddity, days in (("payout unclaimed", 12), ("payout unclaimed", 11), ("callback twice", 6)):
        special.append((max(period.start, period.end - timedelta(days=days)), Plan(oddity=oddity)))
    yield from special
    for drafted_at in instants(period.start, period.end, count - len(special), rng):
        yield drafted_at, everyday_plan(rng)


def _new_deal(market: Market, parties: Parties, plan: Plan) -> DealLife:
    """Bring an advertiser and a channel together; nobody advertises in a channel of their own."""
    rng = market.rng
    channel = parties.newcomer if plan.oddity == "payout unclaimed" else rng.choice(parties.channels)
    advertiser_id = next(user for user in rng.sample(parties.advertiser_ids, 2) if user != channel.owner_id)
    if plan.amount_nano is None:
        # Nine in ten deals are closed at the listed price, the others a little below it.
        percent = 100 if rng.random() < 0.9 else rng.randrange(80, 100)
        plan = replace(plan, amount_nano=channel.price_nano * percent // 100)
    return DealLife(market, plan, channel, advertiser_id)
