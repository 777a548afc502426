"""Legs of advert_market.ledger_entries: balanced postings of escrow, release, payout and sweep, as the sample's."""

import numpy as np
import polars as pl

SEED = 20_260_702
_USERS = 20_000
_LEG_GAP = 100  # µs between the legs of one posting
# Per kind of posting, leg by leg: account, what its colon is followed by, direction, share of the amount in percent.
_KINDS: tuple[tuple[str, tuple[tuple[str, str, str, int], ...]], ...] = (
    ("Escrow fund", (("EXTERNAL_TON", "", "DEBIT", 100), ("ESCROW", "deal", "CREDIT", 100))),
    (
        "Escrow release",
        (
            ("ESCROW", "deal", "DEBIT", 100),
            ("OWNER_PENDING", "user", "CREDIT", 90),
            ("COMMISSION", "deal", "CREDIT", 10),
        ),
    ),
    ("Payout", (("OWNER_PENDING", "user", "DEBIT", 100), ("EXTERNAL_TON", "", "CREDIT", 100))),
    ("Commission sweep", (("COMMISSION", "deal", "DEBIT", 100), ("PLATFORM_TREASURY", "", "CREDIT", 100))),
)
_HEX = np.array([list(f"{byte:02x}".encode()) for byte in range(256)], dtype=np.uint8)
_DASHED = [*range(8), *range(9, 13), *range(14, 18), *range(19, 23), *range(24, 36)]


def postings(first: int, microseconds: np.ndarray) -> pl.DataFrame:
    """One leg for each instant; `first` seeds them. The last posting may be cut short, as at the end of an export."""
    rng = np.random.default_rng((SEED, first))
    n = len(microseconds)
    kinds = rng.choice(len(_KINDS), n // 2 + 1, p=[0.35, 0.3, 0.25, 0.1])
    sizes = np.array([len(legs) for _, legs in _KINDS])[kinds]
    posting = np.repeat(np.arange(len(kinds)), sizes)[:n]
    begins = np.cumsum(sizes) - sizes
    leg = np.arange(n) - begins[posting]
    choice = np.array([[kind * 3 + min(nth, 2) for nth in range(3)] for kind in range(len(_KINDS))])
    amount = (rng.lognormal(23.5, 1.3, len(kinds))).astype(np.int64) // 1000 * 1000 + 1000
    drawn = pl.DataFrame(
        {
            "posting": posting,
            "leg": choice[kinds[posting], leg],
            "amount": amount[posting],
            "user": (7_000_000_000 + rng.integers(0, _USERS, len(kinds)) * 13)[posting],
            "number": rng.integers(0, 1000, n),
            "created_at": microseconds[begins[posting].clip(max=n - 1)] + leg * _LEG_GAP,
        }
    )
    drawn = drawn.with_columns(
        pl.Series("id", _uuids(rng, n)),
        pl.Series("tx_ref", _uuids(rng, len(kinds))).gather(posting),
        pl.Series("deal", _uuids(rng, len(kinds))).gather(posting),
    )
    return drawn.join(_legs(), on="leg", how="left", maintain_order="left").select(
        "id",
        "tx_ref",
        _account().alias("account_id"),
        "direction",
        (pl.col("amount") // 100 * pl.col("percent")).alias("amount_nano"),
        pl.when(pl.col("operation") != "Commission sweep").then(pl.col("deal")).alias("deal_id"),
        _description().alias("description"),
        pl.col("created_at").cast(pl.Datetime("us", "UTC")),
    )


def _legs() -> pl.DataFrame:
    told = [
        (kind * 3 + nth, operation, *leg)
        for kind, (operation, legs) in enumerate(_KINDS)
        for nth, leg in enumerate(legs)
    ]
    return pl.DataFrame(told, schema=["leg", "operation", "account", "owner", "direction", "percent"], orient="row")


def _account() -> pl.Expr:
    owner = pl.when(pl.col("owner") == "deal").then(pl.col("deal")).otherwise(pl.col("user").cast(pl.String))
    return (
        pl.when(pl.col("owner") == "")
        .then(pl.col("account"))
        .otherwise(pl.concat_str(pl.col("account"), owner, separator=":"))
    )


def _description() -> pl.Expr:
    """The operation's name for most, nothing for one in ten, and for some what a person typed."""
    typed = pl.format('{}, adjusted by hand ("rounding", {})', pl.col("operation"), pl.col("number"))
    number = pl.col("number")
    return pl.when(number < 40).then(typed).when(number >= 140).then(pl.col("operation"))


def _uuids(rng: np.random.Generator, n: int) -> np.ndarray:
    """Random UUIDs of version 4 as text."""
    raw = rng.integers(0, 256, (n, 16), dtype=np.uint8)
    raw[:, 6] = raw[:, 6] & 0x0F | 0x40
    raw[:, 8] = raw[:, 8] & 0x3F | 0x80
    text = np.full((n, 36), ord("-"), dtype=np.uint32)
    text[:, _DASHED] = _HEX[raw].reshape(n, 32)
    return text.view("<U36").reshape(n)
