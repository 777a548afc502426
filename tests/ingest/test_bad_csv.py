"""CSV as it should not be: each record is kept exactly, or quarantined with its first line, its rule and its bytes."""

from collections.abc import Iterator

import pytest

from tests.ingest.everything import (
    ARRAYS,
    BROKEN_DOCUMENTS,
    COLUMNS,
    DEEP_100_000,
    DOCUMENTS,
    EVERYTHING,
    PEOPLE,
    SPELLINGS,
    TYPE,
    WORDS,
    Fate,
    Refused,
    Trial,
    check,
    kept_or_refused,
    label,
    refused,
)
from tests.ingest.zone import counts

# What ends a field, or makes it another one, unless it is quoted.
MUST_BE_QUOTED = frozenset('",\n\r')
VALUES: list[tuple[str, str, str | Refused | None]] = [
    *SPELLINGS,
    *ARRAYS,
    *DOCUMENTS,
    *(("doc", text, TYPE) for text in BROKEN_DOCUMENTS),
    ("doc", "null", kept_or_refused("null")),
    *(("doc", text, refused("type", "json")) for text in (DEEP_100_000, '{"a":' * 100_000 + "1" + "}" * 100_000)),
    ("tags", "{" * 100_000 + "}" * 100_000, TYPE),
]


def field(text: str) -> bytes:
    return ('"' + text.replace('"', '""') + '"').encode()


def record(number: int, column: str, value: bytes) -> bytes:
    return b",".join(b"%d" % number if name == "id" else value if name == column else b"" for name in COLUMNS) + b"\n"


HEAD = ",".join(COLUMNS).encode() + b"\n"
# An empty field without quotation marks is null, whatever its column.
CASES = [(column, field(text), expected) for column, text, expected in VALUES]
CASES += [(c, text.encode(), expected) for c, text, expected in VALUES if text and not MUST_BE_QUOTED & set(text)]
CASES += [(column, b"", None) for column in COLUMNS[1:]]
RECORDS = [record(number, column, value) for number, (column, value, _) in enumerate(CASES, 1)]


@pytest.fixture(scope="module")
def value_fates(trial: Trial) -> Iterator[list[Fate]]:
    yield trial.fates(RECORDS, "values.csv", HEAD)


@pytest.mark.parametrize("place", range(len(CASES)), ids=[label(case) for case in CASES])
def test_a_value_is_kept_exactly_or_its_record_is_quarantined(value_fates: list[Fate], place: int) -> None:
    column, _, expected = CASES[place]

    check(value_fates[place], column, expected, RECORDS[place])


def test_no_value_stops_the_file_it_stands_in(trial: Trial) -> None:
    outcome = trial.attempt(HEAD + b"".join(RECORDS), "values.csv")

    assert outcome.load.status == "loaded"
    assert outcome.load.rows_read == len(RECORDS)


CSV, UTF8 = refused("csv"), refused("utf8")
Pair = tuple[str | None, str | None]
# Records under the header id,name,code (% is the number): the name and the code that are kept.
STRUCTURES: list[tuple[bytes, Pair | Refused]] = [
    (b"%,a,b", ("a", "b")),
    (b'"%","a","b"', ("a", "b")),
    (b"%,,", (None, None)),
    (b'%,"",', ("", None)),
    (b'%,,""', (None, "")),
    (b'%,"",""', ("", "")),
    (b'"%","",""', ("", "")),
    (b'%,"",b', ("", "b")),
    (b'%,"a""b",', ('a"b', None)),
    (b'%,"""",', ('"', None)),
    (b'%,"""""",', ('""', None)),
    (b'%,"""",""', ('"', "")),
    (b'%,,""""', (None, '"')),
    (b'%,"",""""', ("", '"')),
    (b'%,"a,""b"",c",""', ('a,"b",c', "")),
    (b'%,",",', (",", None)),
    (b'%,",""",', (',"', None)),
    (b'%,""",",""', ('",', "")),
    (b'%,""",,""",', ('",,"', None)),
    (b'%,"a\nb",c', ("a\nb", "c")),
    (b'%,"a\r\nb",c', ("a\r\nb", "c")),
    (b'%,"a\rb",c', ("a\rb", "c")),
    (b'%,"\n",""', ("\n", "")),
    (b'%,"\n\n\n%,x,y\n",c', ("\n\n\n%,x,y\n", "c")),
    (b'%,"""\n""",', ('"\n"', None)),
    (b'%,"a\n\\.\nb",', ("a\n\\.\nb", None)),
    (b'%,"a","b"\r', ("a", "b")),
    (b'%,"",""\r', ("", "")),
    (b'%,"",\r', ("", None)),
    (b"%,,\r", (None, None)),
    (b"%,a,b\r", ("a", "b")),
    (b"%, a , ", (" a ", " ")),
    (b"%,\t,\\", ("\t", "\\")),
    (b"%,\\N,\\.", ("\\N", "\\.")),
    (b"%,'a,b'", ("'a", "b'")),
    (b"%,NULL,null", ("NULL", "null")),
    (b"%,a\\,b", ("a\\", "b")),
    (b'%,"a\\","b"', ("a\\", "b")),
    (b"%,#,--", ("#", "--")),
    (b"%,=1+1,@a", ("=1+1", "@a")),
    (b"%,a;b,c|d", ("a;b", "c|d")),
    *((b"%,a" + mark.encode() + b"b,", ("a" + mark + "b", None)) for mark in "\u2028\u2029\x85\x0b\x0c\x1c\x1d\x1e"),
    *((b'%,"a' + mark.encode() + b'b",""', ("a" + mark + "b", "")) for mark in "\u2028\u2029\x85\x0b\x0c\x1c\x1d\x1e"),
    (b"%,a\xef\xbb\xbf,", ("a\ufeff", None)),
    # Too few fields, too many, none to speak of.
    *((text, CSV) for text in (b"%", b"%,a", b"%,a,b,c", b"%,a,b,", b"%,a,b,,,,", b",", b",,,", b"   ", b"\t", b'"%"')),
    *((text, CSV) for text in (b"%;a;b", b"%\ta\tb", b"# comment", b"\\.", b"--", b'"%,a,b"', b'%,"a,b"', b'{"id":%}')),
    *((text, refused("required")) for text in (b",,", b",a,b")),
    *((text, TYPE) for text in (b'"",a,b', b"id,name,code", b"\xef\xbb\xbf%,a,b", b" %,a,b", b"%.0,a,b", b'"% ",a,b')),
    # A quotation mark where none may stand is one character or a reason to refuse, never left out.
    (b'%,a"b,c', kept_or_refused('a"b', "csv")),
    (b'%,a",c', kept_or_refused('a"', "csv")),
    (b'%,a"b",c', kept_or_refused('a"b"', "csv")),
    (b'%,a"",c', kept_or_refused('a""', "csv")),
    (b'%, "a",c', kept_or_refused(' "a"', "csv")),
    (b'%,\'"\',c', kept_or_refused("'\"'", "csv")),
    *((text, CSV) for text in (b'%,"a"b,c', b'%,"a" ,c', b'%,"a"\t,c')),
    *((text, CSV) for text in (b'%,"a""b"c,d', b'%,"a"b"c",d', b'%,"a"\'b\',c')),
    *((text, CSV) for text in (b'%,""a"",c', b'%,"\\"a",c', b'%,""",c"d,e', b'%,a"b,c"d,e')),
    # A carriage return alone ends no line and begins no row.
    (b"%,a\rb,c", kept_or_refused("a\rb", "csv")),
    (b"%,a,b\r%,c,d", CSV),
    (b"%,a,c\r\r", kept_or_refused("a", "csv")),
    # Bytes that Postgres cannot store as text.
    *((text, refused("character", "csv")) for text in (b"%,a\0b,c", b'%,"a\0b",c', b"%,\0,c", b'%,"\0",""', b"%,a,\0")),
    *((text, refused("type", "csv", "character")) for text in (b"\0%,a,b", b"%\0,a,b")),
    *((text, CSV) for text in (b"\0", b"\0\0\0")),
    *((b"%,a" + odd + b"b,c", UTF8) for odd in (b"\xff", b"\x80", b"\xc0\xaf")),
    *((b"%,a" + odd + b"b,c", UTF8) for odd in (b"\xe0\x80\xaf", b"\xed\xa0\x80", b"\xe9")),
    *((b'%,"a' + odd + b'b",""', UTF8) for odd in (b"\xff", b"\xf4\x90\x80\x80", b"\xf0\x9f\x98", b"\xc3\n\xa9")),
    *((text, UTF8) for text in (b"%,a,\xff", b"\xff,a,b", b'%,"a\n\xff",""', b"%,\xff\xfe,c")),
    *((text, refused("utf8", "csv")) for text in (b"\xff", b"%,\xff", b"%,\xff,a,b", b'%,a"\xff",c', b'%,"a"\xff,c')),
]  # fmt: skip
STRUCTURE_HEAD = b"id,name,code\n"
STRUCTURE_RECORDS = [text.replace(b"%", b"%d" % number) + b"\n" for number, (text, _) in enumerate(STRUCTURES, 1)]


@pytest.fixture(scope="module")
def structure_fates(trial: Trial) -> Iterator[list[Fate]]:
    yield trial.fates(STRUCTURE_RECORDS, "structures.csv", STRUCTURE_HEAD)


@pytest.mark.parametrize("place", range(len(STRUCTURES)), ids=[label(("record", text)) for text, _ in STRUCTURES])
def test_a_record_has_the_fields_of_the_header_or_it_is_quarantined(structure_fates: list[Fate], place: int) -> None:
    expected, fate, raw = STRUCTURES[place][1], structure_fates[place], STRUCTURE_RECORDS[place]
    if isinstance(expected, Refused) and expected.or_kept is not None and fate.row is not None:
        assert fate.row["name"] == expected.or_kept
        assert fate.row["code"] == "c"
    elif isinstance(expected, Refused):
        check(fate, "name", Refused(expected.rules), raw)
    else:
        name, code = (text and text.replace("%", str(place + 1)) for text in expected)
        assert (fate.error, fate.failure, fate.refusal) == (None, None, None)
        assert fate.row is not None
        assert {key: value for key, value in fate.row.items() if value is not None} == {
            key: value for key, value in (("id", str(place + 1)), ("name", name), ("code", code)) if value is not None
        }


def test_no_record_stops_the_file_it_stands_in(trial: Trial) -> None:
    outcome = trial.attempt(STRUCTURE_HEAD + b"".join(STRUCTURE_RECORDS), "structures.csv")

    assert outcome.load.status == "loaded"
    assert outcome.load.rows_read == len(STRUCTURE_RECORDS)


@pytest.mark.parametrize("end", [b"\n", b"", b"\r\n", b"\n\n\n", b"\r\n\r\n"])
@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf", b"\n\n", b"\r\n", b"\xef\xbb\xbf\n"])
def test_blank_lines_marks_of_order_and_ends_of_lines_are_no_rows(trial: Trial, start: bytes, end: bytes) -> None:
    content = start + b'id,name,code\r\n1,"a\r\nb",""\r\n\r\n\n2,x\r\n3,"c""\n\nd",e\n4,"y,""z""",toolong\r\n5,f,' + end
    outcome = trial.attempt(content, "a.csv")

    assert counts(outcome.load) == (5, 3, 0, 0, 2)
    assert {key: (row["name"], row["code"]) for key, row in outcome.rows.items()} == {
        "1": ("a\r\nb", ""),
        "3": ('c"\n\nd', "e"),
        "5": ("f", None),
    }
    first = 1 + start.count(b"\n")
    assert {line - first: (refusal.rule, refusal.raw) for line, refusal in outcome.quarantine.items()} == {
        5: ("csv", b"2,x\r\n"),
        9: ("length", b'4,"y,""z""",toolong\r\n'),
    }


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n", b"\n\n"])
@pytest.mark.parametrize(
    "header", [b"id,name,code", b'"id","name","code"', b"\xef\xbb\xbfid,name,code", b'\xef\xbb\xbf"id",name,code', b""]
)
def test_a_header_alone_is_a_load_of_no_rows(trial: Trial, header: bytes, end: bytes) -> None:
    outcome = trial.attempt(header + end, "a.csv")

    assert (outcome.load.status, counts(outcome.load)) == ("loaded", (0, 0, 0, 0, 0))


@pytest.mark.parametrize(
    ("header", "row", "kept"),
    [
        (b"code,id,name", b"c,1,n", {"id": "1", "name": "n", "code": "c"}),
        (b"name,id", b"n,1", {"id": "1", "name": "n"}),
        (b"id", b"1", {"id": "1"}),
        (b'"id","name"', b"1,n", {"id": "1", "name": "n"}),
        (b'\xef\xbb\xbf"id","name"', b'1,""', {"id": "1", "name": ""}),
        (b'"id",name\r', b'"1","n"\r', {"id": "1", "name": "n"}),
        (b"name,code,id,big", b'"","",1,', {"id": "1", "name": "", "code": ""}),
    ],
)
def test_columns_are_found_by_their_names(trial: Trial, header: bytes, row: bytes, kept: dict[str, str | None]) -> None:
    outcome = trial.attempt(header + b"\n" + row + b"\n", "a.csv")

    assert counts(outcome.load) == (1, 1, 0, 0, 0)
    assert {name: value for name, value in outcome.rows["1"].items() if value is not None} == kept


@pytest.mark.parametrize(
    "header",
    [
        *(b"id,name,surprise", b"id,name,name", b"id,id,name", b"id, name,code", b"ID,name,code", b"id,name,", b",,"),
        *(b"id,name,_line", b"id,name,_load_id", b"_hash,id,name"),
        *(b"id,name,na\0me", b"id;name;code", b"id\tname\tcode"),
        *(b'"id,name,code"', b"1,a,b", b"# id,name,code", b"id,name,\xff", b"\xff\xfei\0d\0", b'id,name,"co""de"'),
        *(b'id,name,"co\nde"', b'id,name,co"de', b"'id','name','code'", b"column_0" + b",x" * 10_000),
        *(b"id" + b",name" * 10_000, b"\xef\xbb\xbf\xef\xbb\xbfid,name,code", b"sep=,", b"id,name," + b"x" * 100_000),
    ],
    ids=lambda header: label(("header", header)),
)  # fmt: skip
def test_a_header_with_a_column_the_contract_lacks_or_a_double_refuses_every_record(
    trial: Trial, header: bytes
) -> None:
    outcome = trial.attempt(header + b'\n1,a,b\n\n2,"c\nd",e\n3\n', "a.csv")

    assert outcome.rows == {}
    if outcome.load.status == "loaded":
        lines = [line - header.count(b"\n") for line in outcome.quarantine]
        assert sorted(lines) == [2, 4, 6]
        assert {refusal.rule for refusal in outcome.quarantine.values()} <= {"unknown_column", "utf8", "csv"}
        assert [refusal.raw for _, refusal in sorted(outcome.quarantine.items())][1] == b'2,"c\nd",e\n'


@pytest.mark.parametrize("header", [b'"id,name', b'"id"x,name', b'id,"name', b'"', b"id,name\rcode"])
def test_a_file_whose_header_is_not_csv_is_refused_as_a_whole(trial: Trial, header: bytes) -> None:
    outcome = trial.attempt(header + b"\n1,a\n2,b\n", "a.csv")

    assert outcome.load.status == "failed"
    assert "header" in str(outcome.load.reason)


def test_lines_that_end_in_a_carriage_return_alone_give_no_wrong_rows(trial: Trial) -> None:
    outcome = trial.attempt(b"id,name,code\r1,a,b\r2,c,d\r", "a.csv")

    assert outcome.load.status == "failed"


def test_a_required_column_that_the_header_lacks_is_missing_in_every_record(trial: Trial) -> None:
    outcome = trial.attempt(b'id,share\n1,0.5\n2,"0.5"\n', "a.csv", PEOPLE)

    assert [refusal.rule for refusal in outcome.quarantine.values()] == ["required", "required"]


def test_an_unbalanced_quotation_mark_takes_the_rest_of_the_file_into_quarantine(trial: Trial) -> None:
    rest = b'2,"b,\n3,c,\n\n4,d,\r\n'
    outcome = trial.attempt(b"id,name,code\n1,a,\n" + rest, "a.csv")

    assert set(outcome.rows) == {"1"}
    assert {line: (refusal.rule, refusal.raw) for line, refusal in outcome.quarantine.items()} == {3: ("csv", rest)}


def test_an_unbalanced_quotation_mark_ends_at_the_next_one(trial: Trial) -> None:
    outcome = trial.attempt(b'id,name,code\n1,a,\n2,"b,\n3,"c",\n4,d,\n5,"e",""\n', "a.csv")

    assert {key: row["name"] for key, row in outcome.rows.items()} == {"1": "a", "4": "d", "5": "e"}
    assert {line: (refusal.rule, refusal.raw) for line, refusal in outcome.quarantine.items()} == {
        3: ("csv", b'2,"b,\n3,"c",\n')
    }


@pytest.mark.parametrize(
    "word", [b"\\.", b"\\N", b'"\\."', b'"a\n\\.\nb"', b"  ", b'" "', b'""', b"null", b"\xef\xbb\xbf"]
)
def test_a_value_alone_on_its_line_is_kept_and_so_are_the_rows_after_it(trial: Trial, word: bytes) -> None:
    outcome = trial.attempt(b"word\nbefore\n" + word + b"\nafter\n", "a.csv", WORDS)

    assert set(outcome.rows) == {"before", word.strip(b'"').decode(), "after"}


def test_a_restricted_value_of_a_refused_record_is_nowhere(trial: Trial) -> None:
    secret = b"ada@example.org"
    records = [b"1,Ada,x," + secret, b"2,,0.5," + secret, b"3,Ada," + secret, b'4,"Ada,0.5,' + secret]
    outcome = trial.attempt(b"id,name,share,email\n" + b"\n".join(records), "a.csv", PEOPLE)

    assert counts(outcome.load) == (4, 0, 0, 0, 4)
    assert secret.decode() not in repr(outcome)


def test_records_are_numbered_alike_in_every_batch(trial: Trial) -> None:
    # Two lines a record, so that the border of a batch falls into one; 60,000 rows and 18 MB make several batches.
    count, text = 60_000, "x" * 140 + "\n,\u2028" + "y" * 140
    broken = {30_001: b'30001,"a"b,\n', 55_555: b"55555,a\n", 59_999: b'59999,"\n\n",toolong\r\n'}
    records = [broken.get(n) or b'%d,"%b",""\n' % (n, text.encode()) for n in range(1, count + 1)]
    outcome = trial.attempt(b"id,name,code\n" + b"".join(records), "a.csv")

    assert counts(outcome.load) == (count, count - 3, 0, 0, 3)
    assert {refusal.raw for refusal in outcome.quarantine.values()} == set(broken.values())
    assert sorted(outcome.quarantine) == [2 * 30_001, 2 * 55_555 - 1, 2 * 59_999 - 2]
    assert set(outcome.rows) == {str(n) for n in range(1, count + 1) if n not in broken}
    assert {(row["name"], row["code"]) for row in outcome.rows.values()} == {(text, "")}


def test_plain_lines_are_numbered_alike_in_every_batch(trial: Trial) -> None:
    count, text = 60_000, "x" * 280
    broken = {30_001: b"30001,a\n", 55_555: b"55555,\xff,\n", 59_999: b"59999,\0,\n"}
    lines = [broken.get(n) or b"%d,%b,\n" % (n, text.encode()) for n in range(1, count + 1)]
    lines[9] = b"\r\n"
    outcome = trial.attempt(b"id,name,code\n" + b"".join(lines), "a.csv")

    assert counts(outcome.load) == (count - 1, count - 4, 0, 0, 3)
    assert {line - 1: refusal.raw for line, refusal in outcome.quarantine.items()} == broken
    assert set(outcome.rows) == {str(n) for n in range(1, count + 1) if n not in broken and n != 10}
    assert {row["name"] for row in outcome.rows.values()} == {text}


def test_an_unbalanced_quotation_mark_loses_nothing_of_a_large_file(trial: Trial) -> None:
    rest = b'2,"b,\n' + b"".join(b"%d,%b,\n" % (n, b"x" * 280) for n in range(3, 60_000))
    outcome = trial.attempt(b"id,name,code\n1,a,\n" + rest, "a.csv", EVERYTHING)

    assert set(outcome.rows) == {"1"}
    assert {line: (refusal.rule, refusal.raw) for line, refusal in outcome.quarantine.items()} == {3: ("csv", rest)}
