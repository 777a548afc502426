"""What a pull brings: rows that are new, exactly as they are."""

from tests.ingest.operational import Operation


def test_a_pull_brings_all_rows_at_first_and_then_what_is_new(toy: Operation) -> None:
    toy.run("insert into entries values (1, now(), 'a'), (2, null, null);\ninsert into accounts values (1, 5)")

    assert toy.rows_pulled() == {"entries": 2, "accounts": 1, "rates": 0}
    assert toy.rows_pulled() == {}
    toy.run("insert into entries values (3, now(), 'b');\nupdate accounts set balance = 6")
    assert toy.rows_pulled() == {"entries": 1, "accounts": 1}
    assert [row["id"] for row in toy.delivered("entries")] == [1, 2, 3]
