"""Lines of JSON as they should not be: each is kept exactly, or quarantined with its line, its rule and its bytes."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.ingest.everything import (
    ARRAYS,
    BROKEN_DOCUMENTS,
    COLUMNS,
    DEEP_100,
    DEEP_100_000,
    DOCUMENTS,
    PEOPLE,
    SPELLINGS,
    TYPE,
    UID,
    WORDS,
    Fate,
    Refused,
    Trial,
    check,
    kept_or_refused,
    label,
    refused,
)
from tests.ingest.zone import LEDGER, counts, entry, ndjson

JSON = refused("json")
ANY_NUMBER_IS_SPOILT = [
    *("007", "+1", ".5", "1.", "1.e5", "1e", "-", "--1", "- 1", "0x1F", "1_000", "1,5", "NaN", "nan", "Infinity"),
    *("-Infinity", "inf", "1n", "1L", "½", "True", "None", "undefined", "nil", "'1'", "1/2", "$1", "01.5", "-01"),
]
# Column, the JSON delivered, the text Postgres shows for it.
VALUES: list[tuple[str, str, str | Refused | None]] = [
    *((column, json.dumps(text), expected) for column, text, expected in SPELLINGS + ARRAYS),
    *DOCUMENTS,
    *((column, "null", None) for column in COLUMNS[1:]),
    *(("big", text, JSON) for text in ANY_NUMBER_IS_SPOILT),
    *(("exact", text, JSON) for text in ANY_NUMBER_IS_SPOILT),
    # Numbers stand in no quotation marks: every digit counts, and a fraction is none even if it is zero.
    *(("big", text, text) for text in ("0", "9007199254740993", str(2**63 - 1), str(-(2**63)))),
    ("big", "-0", "0"),
    *(("big", text, TYPE) for text in ("1.0", "1e3", "1E0", "-0.0", "9007199254740993.0", "1.5", "0e0", "1e400")),
    *(("big", text, TYPE) for text in (str(2**63), str(-(2**63) - 1), str(2**64), "9" * 5000)),
    *(("whole", text, TYPE) for text in (str(2**31), str(-(2**31) - 1), "1.0")),
    *(("small", text, TYPE) for text in ("32768", "-32769", "1e2")),
    ("small", "-32768", "-32768"),
    *(("level", text, refused("bounds")) for text in ("11", "-1")),
    ("level", str(2**63), refused("bounds", "type")),
    ("level", "1" + "0" * 40, refused("bounds", "type")),
    *(("exact", text, text) for text in ("0.1", "1.10", "9007199254740993", "0.3000000000000000000000000000000000001")),
    ("exact", "9" * 5000, "9" * 5000),
    ("exact", "1e400", "1" + "0" * 400),
    ("exact", "1E-2", "0.01"),
    ("exact", "-0.0", "0.0"),
    *(("exact", text, TYPE) for text in ("1e131072", "1e-16384", "1e1000000000000")),
    ("price", "1.23", "1.23"),
    ("price", "1.20000", "1.20"),
    *(("price", text, TYPE) for text in ("1.239", "1000", "999.995", "-1000.00")),
    *(("share", text, refused("bounds")) for text in ("1.4", "-0.4", "1e1")),
    *(("share", text, refused("bounds")) for text in ("1.00000000000000000000000000000000000001",)),
    *(("ratio", text, stored) for text, stored in (("0.1", "0.1"), ("1e5", "100000"), ("-0.0", "-0"), ("3", "3"))),
    *(("ratio", text, TYPE) for text in ("1e309", "1e400", "1e-400")),
    # Another JSON type than the column's.
    ("flag", "true", "true"),
    ("flag", "false", "false"),
    *(("flag", text, TYPE) for text in ("1", "0", "1.0", "[]", "{}", "[true]")),
    *((column, "true", TYPE) for column in COLUMNS[1:] if column not in ("flag", "doc", "mood")),
    *((column, "{}", TYPE) for column in COLUMNS[1:] if column not in ("doc", "mood")),
    *((column, "[]", TYPE) for column in COLUMNS[1:] if column not in ("doc", "mood", "tags", "numbers")),
    *((column, "[[]]", TYPE) for column in ("big", "at", "name", "code", "blob")),
    *((column, "5", TYPE) for column in ("day", "at", "uid", "name", "code", "tags", "numbers", "blob")),
    *(("mood", text, refused("enum", "type")) for text in ("5", "true", "[]", "{}")),
    *(("at", text, TYPE) for text in ("1780000000", "1780000000000", "1780000000.5", "20260531")),
    *(("day", text, TYPE) for text in ("20260531", "20604", "0")),
    *((column, DEEP_100, TYPE) for column in ("big", "name", "tags", "numbers")),
    ("name", '{"a":' * 100 + "1" + "}" * 100, TYPE),
    # Escapes: each says one character, or the line is no JSON.
    ("name", '"\\u0061\\/\\b\\f\\n\\r\\t\\"\\\\"', 'a/\b\f\n\r\t"\\'),
    ("name", '"\\ud83d\\ude00 \\u2028 \\uFFFF"', "😀 \u2028 \uffff"),
    ("name", '"\\\\u0000"', "\\u0000"),
    ("name", '"a\\u0000b"', refused("character")),
    ("code", '"\\u0000"', refused("character")),
    ("big", '"12\\u0000"', refused("type", "character")),
    ("big", '"\\u0031\\u0032"', "12"),
    ("uid", f'"\\u0035{UID[1:]}"', UID),
    ("at", '"2026-05-31T12:00:00\\u005a"', "2026-05-31 12:00:00+00"),
    *(("name", text, JSON) for text in ('"\\ud800"', '"a\\ud800b"', '"\\udc00"')),
    *(("name", text, JSON) for text in ('"\\ude00\\ud83d"', '"\\ud800\\ud800"')),
    *(("name", text, JSON) for text in ('"\\x41"', '"\\u12"', '"\\u12G4"', '"\\a"')),
    *(("name", text, JSON) for text in ('"\\\'"', "'a'", '"a', 'a"', "a", "`a`")),
    *(("name", text, JSON) for text in ('"a\tb"', '"a\rb"', '"a\x1fb"', '"a" "b"', '"a" + "b"', '"a"b')),
    ("name", '"a\0b"', refused("json", "character")),
    ("code", '"\\ud800"', JSON),
    ("big", '"\\ud800"', refused("json", "type")),
    ("mood", '"\\ud800"', refused("json", "enum")),
    ("at", '"\\ud800"', refused("json", "type")),
    # Lists: of the element's type, one level, and nothing spelt anew.
    ("tags", "[]", "{}"),
    ("tags", '["a",null,"NULL","","a b","a,b","{}","\\"","\\\\"]', '{a,NULL,"NULL","","a b","a,b","{}","\\"","\\\\"}'),
    ("tags", '[ "a" , "b\\n" , "\\u00e9\\ud83d\\ude00" ]', '{a,"b\n",é😀}'),
    ("tags", "[null]", "{NULL}"),
    ("tags", '["' + "x" * 1_000_000 + '"]', "{" + "x" * 1_000_000 + "}"),
    *(("tags", text, TYPE) for text in ("[true]", '[{"a":1}]', '[["a"]]', '["a",["b"]]', "[[],[]]")),
    *(("tags", f"[{number}]", kept_or_refused(f"{{{number}}}")) for number in ("1", "1.0", "1e400", "9" * 5000)),
    *(("tags", text, refused("type", "character")) for text in ('["\\u0000"]', '["a","b\\u0000c"]')),
    *(("tags", text, refused("json", "type")) for text in ('["\\ud800"]', '["a","\\udc00x"]')),
    *(("tags", text, JSON) for text in ('["a",]', "['a']", '["a" "b"]', '["a"', "[NaN]", '["a\tb"]')),
    ("numbers", "[1,-2,null]", "{1,-2,NULL}"),
    ("numbers", '["1","-2"]', kept_or_refused("{1,-2}")),
    *(("numbers", text, TYPE) for text in ("[1.0]", "[1e3]", "[2147483648]", "[true]")),
    *(("numbers", text, TYPE) for text in ('["a"]', '[""]', "[[1],[2]]", "[{}]")),
    ("numbers", "[" + "9" * 5000 + "]", TYPE),
    ("numbers", '["1\\u0000"]', refused("type", "character")),
    ("numbers", '["\\ud800"]', refused("json", "type")),
    # Documents: a broken one spoils the line.
    *(("doc", text, JSON) for text in BROKEN_DOCUMENTS if text.strip() and "\n" not in text),
    ("doc", '{"a":"' + "x" * 1_000_000 + '"}', '{"a": "' + "x" * 1_000_000 + '"}'),
]  # fmt: skip


def line_with(number: int, column: str, value: str) -> bytes:
    return f'{{"id":{number},"{column}":{value}}}\n'.encode()


# A first line that is good, so that a mark of byte order can stand in the middle of the file.
FIRST = b'{"id":0}\n'
VALUE_LINES = [line_with(number, column, value) for number, (column, value, _) in enumerate(VALUES, 1)]


@pytest.fixture(scope="module")
def value_fates(trial: Trial) -> Iterator[list[Fate]]:
    yield trial.fates(VALUE_LINES, "values.ndjson", FIRST)


@pytest.mark.parametrize("place", range(len(VALUES)), ids=[label(case) for case in VALUES])
def test_a_value_is_kept_exactly_or_its_line_is_quarantined(value_fates: list[Fate], place: int) -> None:
    column, _, expected = VALUES[place]

    check(value_fates[place], column, expected, VALUE_LINES[place])


def test_no_value_stops_the_file_it_stands_in(trial: Trial) -> None:
    outcome = trial.attempt(b"".join(VALUE_LINES), "values.ndjson")

    assert outcome.load.status == "loaded"
    assert outcome.load.rows_read == len(VALUE_LINES)


# The whole line as delivered (% is its number), the column that is kept, its text.
LINES: list[tuple[str, bytes, str | Refused]] = [
    *(("name", text, JSON) for text in (b"nonsense", b"[1]", b"[]", b'"a"', b"1")),
    *(("name", text, JSON) for text in (b"null", b"true", b"{", b"}", b"{}}")),
    *(("name", text, JSON) for text in (b'{"id":%}{"id":%}', b'{"id":%} {"id":%}', b'{"id":%},', b'{"id":%},{"id":%}')),
    *(("name", text, JSON) for text in (b'[{"id":%}]', b'{"id":%} x', b'{"id":%}]')),
    *(("name", text, JSON) for text in (b'{"id":%};', b'{"id":%}\0', b"\0")),
    *(("name", text, JSON) for text in (b'{"id":%,}', b'{,"id":%}', b'{"id":%,,"name":"a"}', b'{"id" %}', b'{"id"=%}')),
    *(("name", text, JSON) for text in (b'{"id":}', b'{"id"}', b"{id:%}")),
    *(("name", text, JSON) for text in (b"{'id':%}", b'{"id":% "name":"a"}', b"{%:1}")),
    *(("name", text, JSON) for text in (b'{"id":%} // comment', b'{"id":% /* comment */}')),
    *(("name", text, JSON) for text in (b"# comment", b"// comment")),
    *(("name", text, JSON) for text in (b'{"id":%}\r{"id":%}', b"id,name", b"<id>%</id>", b"id: %", b"---", b"...")),
    *(("name", text, JSON) for text in (b'{"id":%,"name":"a', b'{"id":%,"name":"a"')),
    *(("name", text, JSON) for text in (b'{"id":%,"na', b'{"id":%,"name":')),
    *(("name", text, JSON) for text in (b'\xef\xbb\xbf{"id":%}', b'{"id":%}\xef\xbb\xbf', b'{\xef\xbb\xbf"id":%}')),
    *(("name", text, JSON) for text in (b'\xc2\xa0{"id":%}', b'\x0b{"id":%}', b'{"id":\xc2\xa0%}', b'data: {"id":%}')),
    *(("name", text, JSON) for text in (DEEP_100.encode(), DEEP_100_000.encode(), b"[" * 100_000)),
    ("name", b'{"a":' * 100_000, refused("json", "unknown_column")),
    # Whichever value of a key that stands twice was meant, nobody knows; not even if both are the same.
    *(("name", text, JSON) for text in (b'{"id":%,"id":%}', b'{"id":%,"name":"a","name":"b"}', b'{"id":1,"id":%}')),
    *(("name", text, JSON) for text in (b'{"id":%,"name":"a","name":null}', b'{"id":%,"name":null,"name":"a"}')),
    *(("name", text, JSON) for text in (b'{"id":%,"n\\u0061me":"a","name":"b"}', b'{"\\u0069d":%,"id":%}')),
    *(("name", text, JSON) for text in (b'{"id":%,"doc":{},"doc":{}}', b'{"id":%,"doc":1,"doc":{"a":1}}')),
    *(("name", text, JSON) for text in (b'{"id":%,"name":"a","name" :"b"}', b'{"id":%,"name"\t:"a","name":"b"}')),
    # More blanks than one, so that counting keys by what follows them would count the double away.
    *(("name", text, JSON) for text in (b'{"id"  :%,"name":"a","name":"b"}', b'{"id" \t :%,"name":"a","name":"b"}')),
    *(("name", text, JSON) for text in (b'{"id"\t\t:%,"name":"a","name":"b"}', b'{"id"\r\r:%,"name":"a","name":"b"}')),
    ("name", b'{"id":%,"tags":["a"],"tags":["b"]}', JSON),
    ("name", b'{"id":%,"surprise":1,"surprise":2}', refused("json", "unknown_column")),
    ("name", b'{"id":%,"id":%,"surprise":1}', refused("json", "unknown_column")),
    ("doc", b'{"id":%,"doc":{"id":1,"id":2}}', '{"id": 2}'),
    # Correct, however odd.
    ("name", b'{"id":%,"name":"a"}', "a"),
    ("name", b' \t{ "id"\t: % , "name" : "a" } \t', "a"),
    ("name", b'{"id"  :%,"name" \t :"a"}', "a"),
    ("name", b'{"name":"a","id":%}', "a"),
    ("name", b'{"n\\u0061me":"a","\\u0069d":%}', "a"),
    ("name", b'{"id":"%","name":"a"}', "a"),
    ("name", b'{"id":%,"name":"\\"id\\":1,\\"id\\":2"}', '"id":1,"id":2'),
    ("name", b'{"id":%,"name":"\xe2\x80\xa8\xc2\x85"}', "\u2028\x85"),
    ("name", b'{"id":%,"name":"\xef\xbb\xbf"}', "\ufeff"),
    ("name", b'{"id":%,"name":"a"}\r', "a"),
    # No column of the contract, whatever Tally itself calls its own.
    ("name", b'{"id":%,"surprise":1}', refused("unknown_column")),
    *(("name", text, refused("unknown_column")) for text in (b'{"id":%,"ID":1}', b'{"id":%,"":1}')),
    *(("name", text, refused("unknown_column")) for text in (b'{"id":%,"_line":7}', b'{"id":%,"_load_id":7}')),
    *(("name", text, refused("unknown_column")) for text in (b'{"id":%,"_hash":7}', b'{"id":%,"name ":"a"}')),
    *(("name", text, refused("unknown_column")) for text in (b'{"id":%,"surprise":null}', b'{"id":%,"a.b":{"c":1}}')),
    ("name", b'{"id":%,"a\\n\\u0007b":1}', refused("unknown_column")),
    ("name", b'{"id":%,"' + b"x" * 100_000 + b'":1}', refused("unknown_column")),
    ("name", b'{"id":%,"\\ud800":1}', refused("json", "unknown_column")),
    ("name", b'{"id":%,"na\\u0000me":1}', refused("json", "unknown_column")),
    ("name", b'{"id":%,"surprise":' + DEEP_100_000.encode() + b"}", refused("json", "unknown_column")),
    # Missing.
    *(("name", text, refused("required")) for text in (b"{}", b'{"name":"a"}', b'{"id":null}')),
    ("name", b'{"id":null,"name":"a"}', refused("required")),
    # Nested deeper than any reader goes.
    *((column, b'{"id":%,"' + column.encode() + b'":' + DEEP_100_000.encode() + b"}", refused("json", "type"))
      for column in ("id", "big", "exact", "flag", "at", "uid", "name", "doc", "tags", "numbers", "mood")),
    ("doc", b'{"id":%,"doc":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"}", refused("json", "type")),
    # Bytes that are no UTF-8: stray, overlong, a surrogate, beyond Unicode, cut short.
    *(("name", b'{"id":%,"name":"a' + odd + b'b"}', refused("utf8")) for odd in (
        b"\xff", b"\x80", b"\xfe\xff", b"\xc0\xaf", b"\xe0\x80\xaf", b"\xf0\x80\x80\xaf", b"\xc0\x80", b"\xed\xa0\x80",
        b"\xed\xa0\xbd\xed\xb8\x80", b"\xf4\x90\x80\x80", b"\xf8\x88\x80\x80\x80", b"\xe9", b"\xe2\x82",
        b"\xf0\x9f\x98",
    )),
    ("name", b'{"id":%,"doc":"\xff"}', refused("utf8")),
    *(("name", text, refused("utf8")) for text in (b'{"id":%,"doc":{"\xff":1}}', b"\xff", b"\xc3")),
    *(("name", text, refused("utf8")) for text in (b'{"id":%,"tags":["\xff"]}', b'{"id":%,"\xff":1}', b'{"id":%}\xff')),
    *(("name", text, refused("utf8")) for text in (b'{"id":%,"surprise":"\xff"}', b'{"id":%,"big":"\xff"}')),
    ("name", '{"id":%,"name":"a"}'.encode("utf-16-le"), refused("json", "utf8")),
]  # fmt: skip
WHOLE_LINES = [line.replace(b"%", str(number).encode()) + b"\n" for number, (_, line, _) in enumerate(LINES, 1)]


@pytest.fixture(scope="module")
def line_fates(trial: Trial) -> Iterator[list[Fate]]:
    yield trial.fates(WHOLE_LINES, "lines.ndjson", FIRST)


@pytest.mark.parametrize("place", range(len(LINES)), ids=[label(case) for case in LINES])
def test_a_line_is_one_object_or_it_is_quarantined(line_fates: list[Fate], place: int) -> None:
    column, _, expected = LINES[place]

    check(line_fates[place], column, expected, WHOLE_LINES[place])


def test_no_line_stops_the_file_it_stands_in(trial: Trial) -> None:
    outcome = trial.attempt(b"".join(WHOLE_LINES), "lines.ndjson")

    assert outcome.load.status == "loaded"
    assert outcome.load.rows_read == len(WHOLE_LINES)


def test_a_doubled_key_among_many_good_lines_is_found(trial: Trial) -> None:
    # Keys counted over all lines together would add up: the first line hides as many as the second has too many.
    lines = [b'{"id"  :1,"name":"a"}\n', b'{"id":2,"name":"a","name":"b"}\n']
    outcome = trial.attempt(b"".join(lines) + b"".join(line_with(i, "name", '"x"') for i in range(3, 100)), "a.ndjson")

    assert {line: refusal.rule for line, refusal in outcome.quarantine.items()} == {2: "json"}
    assert len(outcome.rows) == 98


def test_an_object_printed_over_several_lines_is_refused_line_by_line(trial: Trial) -> None:
    pretty = json.dumps({"id": 1, "name": "a"}, indent=2).encode()
    outcome = trial.attempt(line_with(7, "name", '"x"') + pretty + b"\n" + line_with(8, "name", '"y"'), "a.ndjson")

    assert set(outcome.rows) == {"7", "8"}
    assert {line: (refusal.rule, refusal.raw) for line, refusal in outcome.quarantine.items()} == {
        number: ("json", line + b"\n") for number, line in enumerate(pretty.split(b"\n"), 2)
    }
    assert outcome.load.rows_read == 6


@pytest.mark.parametrize("lines", [(b'{"id": 2} {', b'"id": 3}'), (b'{"id": 2, "doc": [{}', b',{}]} {"id": 3}')])
def test_objects_that_share_lines_are_refused_though_they_are_as_many_as_the_lines(
    trial: Trial, lines: tuple[bytes, ...]
) -> None:
    outcome = trial.attempt(b"\n".join([b'{"id": 1}', *lines, b'{"id": 4}', b""]), "a.ndjson")

    assert counts(outcome.load) == (4, 2, 0, 0, 2)
    assert set(outcome.quarantine) == {2, 3}
    assert set(outcome.rows) == {"1", "4"}


@pytest.mark.parametrize("colon", ["\\u003a", "\\u003A", ":"])
def test_a_doubled_key_is_found_beside_values_that_hold_colons(trial: Trial, colon: str) -> None:
    doubled = b'{"id": 2, "name": "%b", "big": 1, "big": 1}' % colon.encode()
    outcome = trial.attempt(
        b"\n".join([b'{"id": 1, "name": ":"}', doubled, b'{"id": 3, "name" : "::"}', b""]), "a.ndjson"
    )

    assert counts(outcome.load) == (3, 2, 0, 0, 1)
    assert outcome.quarantine[2].rule == "json"
    assert (outcome.rows["1"]["name"], outcome.rows["3"]["name"]) == (":", "::")


def test_one_array_of_all_rows_is_refused(trial: Trial) -> None:
    outcome = trial.attempt(json.dumps([{"id": 1}, {"id": 2}]).encode(), "a.ndjson")

    assert counts(outcome.load) == (1, 0, 0, 0, 1)


@pytest.mark.parametrize("end", [b"\n", b"", b"\r\n", b"\r", b" ", b"\n\n\n", b"\n \t\r\n", b"\r\n\r\n"])
@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf", b"\n\n", b"\r\n", b"\xef\xbb\xbf\n", b" \t\n"])
def test_blank_lines_marks_of_order_and_ends_of_lines_are_no_rows(trial: Trial, start: bytes, end: bytes) -> None:
    content = start + b'{"id":1,"name":"a"}\r\n\r\n\n \n\t\n{"id":2,"name":5}\r\n{"id":3,"name":"c"}' + end
    outcome = trial.attempt(content, "a.ndjson")

    assert counts(outcome.load) == (3, 2, 0, 0, 1)
    assert {key: row["name"] for key, row in outcome.rows.items()} == {"1": "a", "3": "c"}
    ((line, refusal),) = outcome.quarantine.items()
    assert line == 6 + start.count(b"\n")
    assert (refusal.rule, refusal.raw) == ("type", b'{"id":2,"name":5}\r\n')


@pytest.mark.parametrize("content", [b"", b"\n", b"\r\n\r\n", b" \n\t\n", b"\xef\xbb\xbf", b"\xef\xbb\xbf\r\n"])
def test_a_file_of_blank_lines_is_a_load_of_no_rows(trial: Trial, content: bytes) -> None:
    outcome = trial.attempt(content, "a.ndjson")

    assert (outcome.load.status, counts(outcome.load)) == ("loaded", (0, 0, 0, 0, 0))


@pytest.mark.parametrize("content", [b"\xef\xbb\xbf\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff"])
def test_a_mark_of_order_that_is_none_is_part_of_the_first_line(trial: Trial, content: bytes) -> None:
    outcome = trial.attempt(content + b'{"id":1}\n{"id":2}\n', "a.ndjson")

    assert set(outcome.rows) == {"2"}
    assert outcome.quarantine[1].raw == content + b'{"id":1}\n'


def test_a_truncated_last_line_is_quarantined_and_the_rest_is_kept(trial: Trial) -> None:
    whole = b"".join(line_with(number, "name", '"x"') for number in range(1, 10))
    for cut in range(1, 20):
        outcome = trial.attempt(whole[:-cut], "a.ndjson")
        if cut == 1:
            assert counts(outcome.load) == (9, 9, 0, 0, 0)
        else:
            assert counts(outcome.load) == (9, 8, 0, 0, 1)
            assert outcome.quarantine[9].raw == whole[:-cut].split(b"\n")[-1]


def test_bad_lines_leave_the_good_ones_between_them_whole(trial: Trial) -> None:
    lines = [line_with(n, "name", f'"{n}"') if n % 2 else b'{"id":%d,"name":%d}\n' % (n, n) for n in range(1, 1001)]
    outcome = trial.attempt(b"".join(lines), "a.ndjson")

    assert counts(outcome.load) == (1000, 500, 0, 0, 500)
    assert {key: row["name"] for key, row in outcome.rows.items()} == {str(n): str(n) for n in range(1, 1001, 2)}
    assert {line: refusal.raw for line, refusal in outcome.quarantine.items()} == {
        n: lines[n - 1] for n in range(2, 1001, 2)
    }


def test_lines_are_numbered_alike_in_every_batch(trial: Trial) -> None:
    # 60,000 rows and 18 MB: several batches, whether they are counted in rows or in bytes, and a large file at that.
    count, text = 60_000, "x" * 280
    broken = {30_001: b"{not json}\n", 55_555: b'{"id":55555,"name":5}\n', 59_999: b'{"id":1,"id":2}\n'}
    lines = [broken.get(n) or b'{"id":%d,"name":"%b"}\n' % (n, text.encode()) for n in range(1, count + 1)]
    lines[10] = b"\n"
    outcome = trial.attempt(b"".join(lines), "a.ndjson")

    assert counts(outcome.load) == (count - 1, count - 4, 0, 0, 3)
    assert {line: refusal.raw for line, refusal in outcome.quarantine.items()} == broken
    assert set(outcome.rows) == {str(n) for n in range(1, count + 1) if n not in broken and n != 11}
    assert {row["name"] for row in outcome.rows.values()} == {text}


def test_a_line_of_fifty_megabytes_is_a_row_like_any_other(trial: Trial) -> None:
    text = "0123456789" * 5_000_000
    long = [line_with(1, "name", f'"{text}"'), line_with(2, "code", f'"{text}"'), line_with(3, "name", '"c"')]
    outcome = trial.attempt(b"".join(long), "a.ndjson")

    assert counts(outcome.load) == (3, 2, 0, 0, 1)
    assert outcome.rows["1"]["name"] == text
    assert outcome.rows["3"]["name"] == "c"
    assert (outcome.quarantine[2].rule, outcome.quarantine[2].raw) == ("length", long[1])


def test_ten_thousand_unknown_columns_refuse_their_line_alone(trial: Trial) -> None:
    wide = ndjson({"id": 1} | {f"column_{number}": number for number in range(10_000)})
    repeated = b'{"id":2' + b',"name":"a"' * 10_000 + b"}\n"
    outcome = trial.attempt(wide + repeated + b'{"id":3}\n', "a.ndjson")

    assert set(outcome.rows) == {"3"}
    assert {line: refusal.rule for line, refusal in outcome.quarantine.items()} == {1: "unknown_column", 2: "json"}
    assert (outcome.quarantine[1].raw, outcome.quarantine[2].raw) == (wide, repeated)


@pytest.mark.parametrize("word", ["\\.", "\\N", "", " ", "null", '"', ",", "a\n\\.\nb", "\r\n", "\ufeff", "#", "--"])
def test_a_value_alone_in_its_row_is_kept_and_so_are_the_rows_after_it(trial: Trial, word: str) -> None:
    outcome = trial.attempt(ndjson({"word": word}, {"word": "after"}), "a.ndjson", WORDS)

    assert set(outcome.rows) == {word, "after"}


def test_a_key_too_long_for_an_index_stops_neither_its_file_nor_others(trial: Trial) -> None:
    # An index entry holds some 2,700 bytes once compressed, so the digits must not repeat.
    key = "".join(f"{number * 7919 % 100_003:x}" for number in range(20_000))
    outcome = trial.attempt(ndjson({"word": "before"}, {"word": key}, {"word": "after"}), "a.ndjson", WORDS)

    if outcome.load.status == "loaded":
        assert set(outcome.rows) in ({"before", "after"}, {"before", key, "after"})
        assert outcome.load.rows_read == 3


@pytest.mark.parametrize("again", [b'{"id":1,"name":"a","big":5}', b'{"big":"5","name":"\\u0061","id":1}'])
def test_the_same_row_spelt_otherwise_is_a_duplicate(trial: Trial, again: bytes) -> None:
    outcome = trial.attempt(b'{"id":1,"name":"a","big":5}\n' + again + b'\n{"id":1,"name":"b","big":5}\n', "a.ndjson")

    assert counts(outcome.load) == (3, 1, 1, 1, 0)
    assert outcome.quarantine[3].raw == b'{"id":1,"name":"b","big":5}\n'
    assert outcome.rows["1"]["name"] == "a"


ADDRESS = "ada@example.org"
PERSON: dict[str, Any] = {"id": 1, "name": "Ada", "email": ADDRESS}


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        (json.dumps(PERSON | {"name": None}), "required"),
        (json.dumps(PERSON | {"name": ["x"]}), "type"),
        (json.dumps(PERSON | {"surprise": 1}), "unknown_column"),
        (json.dumps(PERSON)[:-1], "json"),
        (json.dumps(PERSON)[:-1] + ',"email":"' + ADDRESS + '"}', "json"),
        (json.dumps([PERSON]), "json"),
        (json.dumps(ADDRESS), "json"),
        (json.dumps(PERSON).replace('"Ada"', DEEP_100_000), "json"),
        (json.dumps(PERSON).replace('"Ada"', "9" * 5000), "type"),
        (json.dumps(PERSON).replace('"Ada"', '"\\ud800"'), "json"),
        (json.dumps(PERSON).replace('"Ada"', '"\\u0000"'), "character"),
        (json.dumps(PERSON).replace("Ada", "\udcff"), "utf8"),
    ],
)
def test_a_restricted_value_is_cut_out_of_a_refused_row_or_its_bytes_are_not_kept(
    trial: Trial, line: str, rule: str
) -> None:
    content = line.encode(errors="surrogateescape")
    content = content.replace(b"\\udcff", b"\xff") + b"\n" + ndjson(PERSON | {"id": 2})
    outcome = trial.attempt(content, "a.ndjson", PEOPLE)

    assert counts(outcome.load) == (2, 1, 0, 0, 1)
    assert outcome.quarantine[1].rule == rule
    assert ADDRESS not in repr(outcome)


def test_numbers_of_a_refused_row_stay_exact_where_a_restricted_value_is_cut_out(trial: Trial) -> None:
    share = "0.3000000000000000000000000000000000001"
    outcome = trial.attempt(b'{"id":1,"share":%b,"email":"x"}\n' % share.encode(), "a.ndjson", PEOPLE)

    assert outcome.quarantine[1].rule == "required"
    assert share.encode() in (outcome.quarantine[1].raw or share.encode())


@pytest.mark.parametrize(
    ("instant", "rule"),
    [
        ("1999-12-31T23:59:59.999999Z", "window"),
        ("0001-01-01T00:00:00Z", "window"),
        ("0001-01-01T00:00:00+14:00", "window"),
        ("2026-07-02T00:00:00Z", "window"),
        ("2026-07-01T23:00:00-01:00", "window"),
        ("9999-12-31T23:59:59Z", "window"),
        ("9999-12-31T23:59:59-14:00", "window"),
        ("2026-02-30T00:00:00Z", "type"),
        ("infinity", "type"),
        ("-infinity", "type"),
        ("10000-01-01T00:00:00Z", "type"),
    ],
)
def test_an_instant_beyond_the_partitions_is_quarantined_and_makes_none(trial: Trial, instant: str, rule: str) -> None:
    rows = [entry(1), entry(2, created_at=instant), entry(3, created_at="2026-07-01T23:59:59.999999Z")]
    outcome = trial.attempt(ndjson(*rows), "a.ndjson", LEDGER)

    assert counts(outcome.load) == (3, 2, 0, 0, 1)
    assert outcome.quarantine[2].rule in (rule, "type")
    assert {row["created_at"] for row in outcome.rows.values()} == {
        "2026-05-31 23:59:59.999999+00",
        "2026-07-01 23:59:59.999999+00",
    }
