"""Data Docs open without a network and say what the verdicts say."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from expectations.run import check
from tests.expectations.toy import breaking, deliver, rule


class References(HTMLParser):
    """What a browser would load for a page, and where its links go."""

    def __init__(self) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.linked: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if tag == "a" and name == "href":
                self.linked.append(value or "")
            elif name in ("src", "srcset", "href", "data", "action", "poster", "background"):
                self.loaded.append(value or "")


@pytest.fixture
def docs(database: str, tmp_path: Path) -> Path:
    """The pages of one run with every kind of verdict."""
    deliver(database, "wallet_ledger")
    asked = [
        rule(title="No balance is <b>negative</b>."),
        rule(id="T-02", query=breaking(30, evidence="""jsonb_build_object('name', '<script src="http://evil">')""")),
        rule(id="T-03", query="select 1"),
        rule(id="T-04", tables=("votes",)),
    ]
    check(database, asked, tmp_path / "docs")
    return tmp_path / "docs"


def pages(docs: Path) -> dict[str, Path]:
    return {path.stem: path for path in docs.rglob("*.html")}


def test_there_is_an_index_and_a_page_for_the_system(docs: Path) -> None:
    assert set(pages(docs)) == {"index", "funpot"}


def test_a_page_loads_nothing_but_itself(docs: Path) -> None:
    for page in pages(docs).values():
        html = page.read_text()
        references = References()
        references.feed(html)
        assert references.loaded == []
        style = "".join(re.findall(r"<style>(.*?)</style>", html, re.DOTALL))
        assert "url(" not in style
        assert "@import" not in style


def test_links_between_the_pages_lead_somewhere(docs: Path) -> None:
    for page in pages(docs).values():
        references = References()
        references.feed(page.read_text())
        assert references.linked
        for link in references.linked:
            assert (page.parent / link).is_file()


def test_a_page_says_what_the_verdicts_say(docs: Path) -> None:
    text = re.sub(r"<style>.*?</style>|<[^>]+>", " ", pages(docs)["funpot"].read_text(), flags=re.DOTALL)
    text = " ".join(text.split())
    assert "1 of 3 rules hold." in text
    assert "30 breaks in 0 rows of wallet_ledger, 465 INT at stake" in text
    assert "no verdict: column &#34;subject&#34; does not exist" in text
    assert "raw_funpot.votes never had a delivery" in text


def test_text_from_data_is_not_taken_for_markup(docs: Path) -> None:
    html = pages(docs)["funpot"].read_text()
    assert "No balance is &lt;b&gt;negative&lt;/b&gt;." in html
    assert "<script" not in html


def test_a_later_run_replaces_the_pages_of_its_systems_only(docs: Path, database: str) -> None:
    deliver(database, "votes", system="hermes")
    check(database, [rule(id="T-05", system="hermes", tables=("votes",))], docs)
    funpot = pages(docs)["funpot"].read_text()
    check(database, [rule(id="T-05", system="hermes", tables=("votes",), query=breaking(7))], docs)
    assert set(pages(docs)) == {"index", "funpot", "hermes"}
    assert pages(docs)["funpot"].read_text() == funpot
    assert "7 breaks, 28 INT at stake" in pages(docs)["hermes"].read_text()


def test_a_system_without_any_delivery_has_no_page(database: str, tmp_path: Path) -> None:
    check(database, [rule()], tmp_path)
    assert set(pages(tmp_path)) == {"index"}
