"""Merkle trees against the test vectors of RFC 6962's own implementation and against the RFC's recursive definition."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest import merkle

# The leaves and roots that Certificate Transparency's reference implementation is tested with.
LEAVES = [bytes.fromhex(text) for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")]  # fmt: skip # noqa: E501
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
HASHES = st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=70, unique=True)


def by_definition(hashes: list[bytes]) -> bytes:
    """MTH of RFC 9162, 2.1.1: split at the largest power of two that is smaller than the whole."""
    if len(hashes) == 1:
        return hashes[0]
    split = 1 << (len(hashes) - 1).bit_length() - 1
    return sha256(b"\1" + by_definition(hashes[:split]) + by_definition(hashes[split:])).digest()


@pytest.mark.parametrize("size", range(1, 9))
def test_roots_are_those_of_the_reference_implementation(size: int) -> None:
    assert merkle.root([merkle.leaf_hash(leaf) for leaf in LEAVES[:size]]).hex() == ROOTS[size - 1]


def test_the_empty_tree_has_the_hash_of_nothing() -> None:
    assert merkle.root([]) == sha256().digest()


@given(HASHES)
def test_the_root_is_the_one_that_the_rfc_defines(hashes: list[bytes]) -> None:
    assert merkle.root(hashes) == by_definition(hashes)


@given(HASHES, st.data())
def test_every_leaf_has_a_proof_that_holds_for_it_alone(hashes: list[bytes], data: st.DataObject) -> None:
    size, top = len(hashes), merkle.root(hashes)
    index = data.draw(st.integers(0, size - 1))
    siblings = merkle.path(hashes, index)

    assert merkle.is_included(hashes[index], index, size, siblings, top)
    assert len(siblings) <= (size - 1).bit_length()
    other = data.draw(st.integers(0, size - 1).filter(lambda number: number != index or size == 1))
    assert size == 1 or not merkle.is_included(hashes[other], index, size, siblings, top)
    assert not merkle.is_included(hashes[index], index, size, [*siblings, hashes[0]], top)
    assert not siblings or not merkle.is_included(hashes[index], index, size, siblings[:-1], top)


@given(HASHES, st.integers(1, 8), st.data())
def test_a_stream_of_leaves_gives_the_same_root_and_proofs(
    hashes: list[bytes], width: int, data: st.DataObject
) -> None:
    index = data.draw(st.integers(0, len(hashes) - 1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(merkle, "BLOCK", 1 << width)

        assert merkle.root_of_stream(iter(hashes)) == (len(hashes), merkle.root(hashes))
        expected = len(hashes), merkle.root(hashes), merkle.path(hashes, index)
        assert merkle.path_through_stream(iter(hashes), index) == expected


@given(HASHES)
def test_no_single_flipped_bit_leaves_the_root(hashes: list[bytes]) -> None:
    changed = [bytes([hashes[0][0] ^ 1]) + hashes[0][1:], *hashes[1:]]

    assert merkle.root(changed) != merkle.root(hashes)


@pytest.mark.parametrize("index", [-1, 3])
def test_there_is_no_path_from_outside_the_tree(index: int) -> None:
    with pytest.raises(IndexError):
        merkle.path([merkle.EMPTY] * 3, index)
    assert not merkle.is_included(merkle.EMPTY, index, 3, [], merkle.EMPTY)
