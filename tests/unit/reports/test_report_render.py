"""The registry of reports: each result in each of its formats, against golden files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from html.parser import HTMLParser

import pytest
from report_results import RESULTS

from offerkit import __version__
from offerkit.diagnostics import Code, Refused
from offerkit.reports.invisible import is_hidden
from offerkit.reports.render import FORMATS, formats, render

Golden = Callable[[str, str], None]
EVERY = [
    (name, form)
    for name, forms in FORMATS.items()
    for form in forms
    if (name, form) not in (("PlanReport", "json"), ("Propositions", "csv"), ("StatusReport", "csv"))
]
"""What is for people: the bytes of a plan and the cells of a file are data, and stay as they are."""


def test_every_class_of_results_has_samples_and_is_named_as_it_is() -> None:
    assert {name.partition("-")[0] for name in RESULTS} == set(FORMATS)
    assert all(type(result).__name__ == name.partition("-")[0] for name, result in RESULTS.items())


@pytest.mark.parametrize(
    ("name", "form"), [(name, form) for name in RESULTS for form in FORMATS[name.partition("-")[0]]]
)
def test_a_result_in_a_format(name: str, form: str, golden: Golden) -> None:
    text = render(RESULTS[name], form)
    golden(f"render/{name}.{form}", text.replace(__version__, "VERSION") if form == "sarif" else text)


@pytest.mark.parametrize(("name", "form"), EVERY)
def test_what_people_wrote_hides_nothing_in_any_format(name: str, form: str) -> None:
    text = render(RESULTS[f"{name}-hostile"], form)
    assert not [sign for sign in set(text) if sign != "\n" and is_hidden(sign)]


@pytest.mark.parametrize(
    "name", [name for name, forms in FORMATS.items() if "html" in forms and name != "AnswerReport"]
)
def test_what_people_wrote_is_no_markup_of_a_page(name: str) -> None:
    tags = Counter[str]()

    class Tags(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            tags[tag] += 1
            assert not {key for key, _ in attrs if key.startswith("on")}

    Tags().feed(render(RESULTS[f"{name}-hostile"], "html"))
    assert not set(tags) & {"img", "script", "a"}


def test_a_format_that_a_result_does_not_have_is_refused_with_those_it_has() -> None:
    with pytest.raises(Refused) as refused:
        render(RESULTS["RevisionHistory"], "junit")
    found = refused.value.diagnostics[0]
    assert found.code is Code.REPORT_FORMAT
    assert found.summary == "there is no junit format of a RevisionHistory"
    assert found.hint == "Use text, json, markdown or html."


def test_the_formats_of_a_result_are_the_choices_of_its_command() -> None:
    assert formats("RevisionHistory") == ["text", "json", "markdown", "html"]
