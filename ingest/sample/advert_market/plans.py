"""What fate has in store for the ad market's deals: how they end, at what rate, and with which oddity."""

import random
from dataclasses import dataclass
from datetime import datetime

from ingest.sample.advert_market.parties import NANO_PER_TON

RELEASED = ("DELIVERY_VERIFYING", "COMPLETED_RELEASED")

# Where deals end (the status they leave, and for what) and how many of a hundred do.
_ENDINGS = {
    ("DRAFT", "CANCELLED"): 3,
    ("OFFER_PENDING", "EXPIRED"): 6,
    ("OFFER_PENDING", "CANCELLED"): 4,
    ("NEGOTIATING", "EXPIRED"): 2,
    ("NEGOTIATING", "CANCELLED"): 2,
    ("ACCEPTED", "CANCELLED"): 2,
    ("AWAITING_PAYMENT", "EXPIRED"): 4,
    ("AWAITING_PAYMENT", "CANCELLED"): 4,
    ("FUNDED", "CANCELLED"): 3,
    ("FUNDED", "EXPIRED"): 2,
    ("CREATIVE_SUBMITTED", "DISPUTED"): 2,
    ("DELIVERY_VERIFYING", "DISPUTED"): 4,
    RELEASED: 62,
}


@dataclass(frozen=True)
class Plan:
    """One deal's fate.

    `ending` is the status it leaves and what for; without an amount the channel's price holds; `released_at` is an
    instant that its release lies across.
    """

    ending: tuple[str, str] = RELEASED
    amount_nano: int | None = None
    rate_bp: int = 1_000
    revisions: int = 0
    negotiated: bool = False
    scheduled: bool = False
    oddity: str = ""
    dispute_outcome: str = "REFUNDED"
    released_at: datetime | None = None


# The first deals show what naive checks wrongly flag; later deals repeat it now and then.
SHOWN = (
    Plan(amount_nano=1),  # its commission rounds to nothing, so the release has two legs
    Plan(amount_nano=1_500_000_001),
    Plan(amount_nano=9_100_000 * NANO_PER_TON + 7),  # beyond 2^53
    Plan(amount_nano=12_345_678_901_234_567),
    Plan(rate_bp=0),
    Plan(revisions=3),
    Plan(oddity="two deposits"),
    Plan(oddity="callback twice"),
    Plan(oddity="payout fails once"),
    Plan(ending=("AWAITING_PAYMENT", "CANCELLED"), oddity="deposit after cancelling"),
    Plan(ending=("FUNDED", "CANCELLED")),
    Plan(ending=("DELIVERY_VERIFYING", "DISPUTED"), dispute_outcome="REFUNDED"),
    Plan(ending=("DELIVERY_VERIFYING", "DISPUTED"), dispute_outcome="COMPLETED_RELEASED"),
    Plan(ending=("DELIVERY_VERIFYING", "DISPUTED"), dispute_outcome="PARTIALLY_REFUNDED"),
    Plan(oddity="overpaid"),
    Plan(ending=("AWAITING_PAYMENT", "EXPIRED"), oddity="paid in part"),
)


def everyday_plan(rng: random.Random) -> Plan:
    """A plan drawn at random."""
    ending = rng.choices(list(_ENDINGS), list(_ENDINGS.values()))[0]
    oddities = ("", "two deposits", "callback twice", "payout fails once", "overpaid")
    oddity = rng.choices(oddities, (91, 2, 3, 3, 1))[0]
    if ending[0] == "AWAITING_PAYMENT":
        oddity = rng.choice(("", "", "deposit after cancelling" if ending[1] == "CANCELLED" else "paid in part"))
    return Plan(
        ending=ending,
        rate_bp=rng.choices((1_000, 500, 200, 0), (88, 6, 4, 2))[0],
        revisions=0 if ending[0] == "FUNDED" else rng.choices((0, 1, 2), (75, 18, 7))[0],
        negotiated=ending[0] == "NEGOTIATING" or rng.random() < 0.3,
        scheduled=rng.random() < 0.5,
        oddity=oddity,
        # A creative that was never published cannot be released, so such disputes end in a refund.
        dispute_outcome=rng.choice(("REFUNDED", "REFUNDED", "COMPLETED_RELEASED", "PARTIALLY_REFUNDED"))
        if ending[0] == "DELIVERY_VERIFYING"
        else "REFUNDED",
    )
