"""The seal file: a chain of lines in which nothing can be changed, left out or put in unnoticed."""

import json

import pytest

from tests.ingest.sealed import Vault, ledger


@pytest.fixture
def three(vault: Vault) -> Vault:
    """Three seals of one row each."""
    for number in (1, 2, 3):
        vault.deliver(*ledger(number), name=f"{number}.ndjson")
        vault.seal()
    assert vault.findings() == []
    return vault


def lines(vault: Vault) -> list[bytes]:
    return vault.file.path.read_bytes().splitlines(keepends=True)


def problems(vault: Vault) -> list[str]:
    return [finding.detail for finding in vault.verify().findings if finding.what == "file"]


def rechained(texts: list[bytes]) -> list[bytes]:
    """The lines with every `previous` made to fit, as a forger would leave them."""
    from hashlib import sha256

    done: list[bytes] = []
    for text in texts:
        line = json.loads(text) | {"previous": sha256(done[-1]).hexdigest() if done else None}
        done.append(json.dumps(line, separators=(",", ":"), ensure_ascii=False).encode() + b"\n")
    return done


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_changed_line_is_found_wherever_it_is(three: Vault, number: int) -> None:
    changed = lines(three)
    changed[number - 1] = changed[number - 1].replace(b'"rows":1', b'"rows":2')
    three.file.path.write_bytes(b"".join(changed))

    assert any(f"line {number} is not the one that the database has noted" in problem for problem in problems(three))
    assert (number < 3) == any(f"line {number + 1} does not follow" in problem for problem in problems(three))


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_lost_line_is_found(three: Vault, number: int) -> None:
    kept = lines(three)
    del kept[number - 1]
    three.file.path.write_bytes(b"".join(kept))

    assert problems(three)


def test_a_file_that_was_rewritten_as_a_whole_does_not_fit_the_database(three: Vault) -> None:
    forged = rechained([lines(three)[0].replace(b'"refused_rows":0', b'"refused_rows":9'), *lines(three)[1:]])
    three.file.path.write_bytes(b"".join(forged))

    assert not any("does not follow" in problem for problem in problems(three))
    assert len(problems(three)) == 3


def test_an_added_line_is_one_that_the_database_does_not_know(three: Vault) -> None:
    more = rechained([*lines(three), lines(three)[2].replace(b'"seal":3', b'"seal":4')])
    three.file.path.write_bytes(b"".join(more))

    assert any("does not know of line 4" in problem for problem in problems(three))


def test_a_line_in_other_words_is_another_line(three: Vault) -> None:
    spaced = json.dumps(json.loads(lines(three)[2])).encode() + b"\n"
    three.file.path.write_bytes(b"".join([*lines(three)[:2], spaced]))

    assert problems(three)


@pytest.mark.parametrize("line", [b"\n", b"null\n", b"{}\n", b'{"tally_seal":2}\n', b"\xff\n"])
def test_a_line_that_is_no_seal_is_found_and_the_rest_is_verified(three: Vault, line: bytes) -> None:
    three.file.path.write_bytes(b"".join([lines(three)[0], line, lines(three)[2]]))

    verified = three.verify()
    assert any("line 2 is no seal" in finding.detail for finding in verified.findings)
    assert verified.rows == 2


def test_a_changed_root_accuses_the_file_and_not_the_rows(three: Vault) -> None:
    changed = lines(three)
    root = json.loads(changed[1])["tables"][0]["trees"][0]["root"].encode()
    changed[1] = changed[1].replace(root, root[::-1])
    three.file.path.write_bytes(b"".join(changed))

    assert {finding.what for finding in three.verify().findings} == {"file", "list"}


def test_a_lost_file_is_found(three: Vault) -> None:
    three.file.path.unlink()

    assert len(problems(three)) == 3
