"""The lists of the language are what is there, and what the page says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from offerkit.models.space import SpaceField
from offerkit.templates import filters, language
from offerkit.templates.render import run
from offerkit.templates.space import format_of
from offerkit.templates.values import Sink

PAGE = (Path(__file__).parents[3] / "docs" / "rendering.md").read_text(encoding="utf-8")


def test_every_filter_is_there() -> None:
    assert list(filters.FILTERS) == list(language.FILTERS)


@pytest.mark.parametrize("test", language.TESTS)
def test_every_test_is_there(test: str) -> None:
    argument = {"divisibleby": " 3", "startingwith": " 'x'", "endingwith": " 'x'"}.get(test, "")
    assert run("{{ a is " + test + argument + " }}", Sink.TEXT, {"a": 2 if argument == " 3" else "x"}) in (
        "true",
        "false",
    )


@pytest.mark.parametrize("names", [language.FILTERS, language.TESTS, language.FUNCTIONS])
def test_the_page_lists_them(names: dict[str, str]) -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.*) \|$", PAGE, re.MULTILINE)
    assert list(names.items()) == [row for row in rows if row[0] in names and row[1] == names[row[0]]]


def test_the_page_shows_the_statements_and_limits() -> None:
    assert all(text in PAGE for text in language.STATEMENTS.values())
    limits = (language.MAX_OUTPUT, language.FUEL, language.MAX_STEPS, language.MAX_RANGE, language.MAX_LOOP_TEXT)
    for limit in (*limits, language.MAX_WORDS):
        assert f"{limit:,}" in PAGE


@pytest.mark.parametrize("name", ["html", "html2", "image_url", "title", "url", "a_url_b"])
@pytest.mark.parametrize("type_", [None, "text", "html", "url"])
def test_a_format_is_what_the_model_says(name: str, type_: str | None) -> None:
    assert format_of(name, type_) == SpaceField.model_validate({"name": name, "type": type_}).format
