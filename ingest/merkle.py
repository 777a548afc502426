"""Merkle trees as RFC 9162 (and RFC 6962) draws them: one hash that stands for a list, and proofs of what is in it.

Only hashes are known here, SHA-256 throughout. Leaves and nodes are hashed under different prefixes, so that no node
can pass for a leaf.
"""

from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from itertools import islice

LEAF, NODE = b"\0", b"\1"
# A full subtree at a time, so that a tree of any size takes the memory of one (5 MB of leaves) and not its own.
BLOCK = 1 << 16
EMPTY = sha256(b"").digest()


def leaf_hash(data: bytes) -> bytes:
    """The hash of one leaf."""
    return sha256(LEAF + data).digest()


def root(hashes: Sequence[bytes]) -> bytes:
    """The root over hashes of leaves, or over roots of full subtrees of one size, the last of which may be smaller."""
    level = list(hashes)
    while len(level) > 1:
        level = _parents(level)
    return level[0] if level else EMPTY


def path(hashes: Sequence[bytes], index: int) -> list[bytes]:
    """The siblings on the way from one hash up to the root, the nearest first."""
    if not 0 <= index < len(hashes):
        raise IndexError(f"there is no leaf {index} in a tree of {len(hashes)}")
    level, siblings = list(hashes), []
    while len(level) > 1:
        if index ^ 1 < len(level):
            siblings.append(level[index ^ 1])
        level, index = _parents(level), index // 2
    return siblings


def is_included(leaf: bytes, index: int, size: int, siblings: Iterable[bytes], expected_root: bytes) -> bool:
    """True when the siblings prove that the leaf stands at `index` of the tree of `size` leaves with this root."""
    if not 0 <= index < size:
        return False
    here, last, found = index, size - 1, leaf
    for sibling in siblings:
        if last == 0:
            return False
        if here % 2 or here == last:
            found = _node(sibling, found)
            while here % 2 == 0 and here:
                here, last = here // 2, last // 2
        else:
            found = _node(found, sibling)
        here, last = here // 2, last // 2
    return last == 0 and found == expected_root


def root_of_stream(hashes: Iterable[bytes]) -> tuple[int, bytes]:
    """The number of leaves and their root, of however many."""
    count, roots = 0, []
    for block in _blocks(hashes):
        count += len(block)
        roots.append(root(block))
    return count, root(roots)


def path_through_stream(hashes: Iterable[bytes], index: int) -> tuple[int, bytes, list[bytes]]:
    """As `path`, of however many leaves; with their number and root, which take the same pass."""
    count, roots, siblings = 0, [], []
    for number, block in enumerate(_blocks(hashes)):
        count += len(block)
        roots.append(root(block))
        if number == index // BLOCK:
            siblings = path(block, index % BLOCK)
    return count, root(roots), siblings + path(roots, index // BLOCK)


def _blocks(hashes: Iterable[bytes]) -> Iterator[list[bytes]]:
    remaining = iter(hashes)
    while block := list(islice(remaining, BLOCK)):
        yield block


def _parents(level: list[bytes]) -> list[bytes]:
    """The level above; one that is left over at the end goes up as it is, where RFC 9162 puts it too."""
    parents = [_node(left, right) for left, right in zip(level[::2], level[1::2], strict=False)]
    if len(level) % 2:
        parents.append(level[-1])
    return parents


def _node(left: bytes, right: bytes) -> bytes:
    return sha256(NODE + left + right).digest()
