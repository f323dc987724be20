"""Texts that look the same and are not: the code points that differ are named, and hosts shown in both forms."""

from __future__ import annotations

import pytest
from confusable_homoglyphs.confusables import confusables_data
from hypothesis import given, settings
from hypothesis import strategies as st
from report_bodies import DESIGN, DIGEST, change

from offerkit.plans.plan import ChangeOp, FieldChange, Plan, PlanKind, Reason, StageBase, Step
from offerkit.reports.diff import DiffReport, diff_html, diff_markdown, diff_text
from offerkit.reports.escape import visible
from offerkit.reports.lookalike import Pair, hosts, told_apart
from offerkit.reports.plan_text import PlanReport, plan_text
from offerkit.state.changes import Action, Entry


@pytest.mark.parametrize(
    ("before", "after", "pair"),
    [
        ("a week", "a\xa0week", Pair("a\\x20week", "a\\xa0week", "U+0020 SPACE → U+00A0 NO-BREAK SPACE")),
        ("travel", "tr\u0430vel",
         Pair("travel", "tr\\u0430vel", "U+0061 LATIN SMALL LETTER A → U+0430 CYRILLIC SMALL LETTER A")),
        ("caf\xe9", "cafe\u0301",
         Pair("caf\\xe9", "cafe\\u0301", "U+00E9 LATIN SMALL LETTER E WITH ACUTE → "
              "U+0065 LATIN SMALL LETTER E + U+0301 COMBINING ACUTE ACCENT")),
        ("News", "Ne\ufe0fws", Pair("News", "Ne\\ufe0fws", "nothing → U+FE0F VARIATION SELECTOR-16")),
        ("❤", "❤\ufe0f", Pair("❤", "❤\\ufe0f", "nothing → U+FE0F VARIATION SELECTOR-16")),
        ("a  b", "a b", Pair("a \\x20b", "a b", "U+0020 SPACE → nothing")),
        ("10", "1O", Pair("10", "1O", "U+0030 DIGIT ZERO → U+004F LATIN CAPITAL LETTER O")),
        ("modern", "modem", Pair("modern", "modem", "U+0072 LATIN SMALL LETTER R + U+006E LATIN SMALL LETTER N → "
                                 "U+006D LATIN SMALL LETTER M")),
        ("ﬁx", "fix", Pair("\\ufb01x", "fix", "U+FB01 LATIN SMALL LIGATURE FI → "
                           "U+0066 LATIN SMALL LETTER F + U+0069 LATIN SMALL LETTER I")),
        ("x\\u200by", "x\u200by", Pair("x\\\\u200by", "x\u200by", "a backslash that is part of the text is doubled here")),
        ("one old house", "one n\u0435w house", Pair("one old house", "one n\u0435w house")),
        ("new c\u0430r here now", "n\u0435w car was there",
         Pair("n\u0435w", "", "")),
    ],
)  # fmt: skip
def test_look_alikes_are_named(before: str, after: str, pair: Pair) -> None:
    if pair.after:
        assert told_apart(before, after) == pair
    else:  # words that stand for each other are found within a text that is new otherwise
        assert "U+0430 CYRILLIC SMALL LETTER A → U+0061" in told_apart(before, after).note


@pytest.mark.parametrize(
    ("before", "after"),
    [("Été à Paris", "Ete a Paris"), ("Straße", "Strase"), ("дом", "том"), ("5 €", "5 $"), ("10", "11"), ("a", "b"),
     ("Gold card", "Platinum card"), ("garçon", "garcon"), ("Łódź", "Lodz"), ("旅行", "旅"), ("", "a"), ("é", "ê")],
)  # fmt: skip
def test_what_looks_different_is_left_as_it_is(before: str, after: str) -> None:
    assert told_apart(before, after) == Pair(before, after)


def test_every_pair_of_characters_that_unicode_lists_is_told_apart() -> None:
    missed = set()
    for sign, others in confusables_data.items():
        one = sign.strip("\u200e")
        for other in (item["c"].strip("\u200e") for item in others):
            if len(one) == len(other) == 1 and one != other and not (one + other).isascii():
                shown = told_apart(f"x{one}y", f"x{other}y")
                if not shown.note and visible(one + other) == one + other:
                    missed |= {one, other}
    assert missed == set("\ufb1d\ufb2a\ufb2e\ufb2f\ufb30\ufb39\ufb49")  # Hebrew letters whose points differ


@given(
    st.text(st.sampled_from("ab ❤👩\u200d\xa0\u200b\ufe0fé\u0430e\u0301\\uIl1")),
    st.text(st.sampled_from("ab ❤👩\u200d\xa0\u200bée\u0301\\uIl1")),
)
@settings(max_examples=300)
def test_what_is_shown_is_never_the_same_twice(before: str, after: str) -> None:
    shown = told_apart(before, after)
    if before != after:
        assert visible(shown.before) != visible(shown.after)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("https://tr\u0430vel.example/x?y", ["tr\u0430vel.example is xn--trvel-5ve.example"]),
        ("see //xn--trvel-5ve.example.", ["xn--trvel-5ve.example is tr\u0430vel.example"]),
        ("http://u:p@ex%D0%B0mple.com/", ["ex\u0430mple.com is xn--exmple-4nf.com"]),
        ("www.é.fr and a@é.fr", ["www.é.fr is www.xn--9ca.fr", "é.fr is xn--9ca.fr"]),
        ("https:\\\\é.com", ["é.com is xn--9ca.com"]),
        ("https://faß.de", ["faß.de is xn--fa-hia.de"]),
        ("https://ｅxample。com", ["ｅxample。com is example.com"]),
        ("https://ex_.é/", ["ex_.\\xe9 is not a valid host"]),
        ("https://xn--a/", ["xn--a is not a valid host"]),
        ("https://travel.example/é", []),
        ("z. B. Ende.Änderung, 100 % é", []),
        ("http://" + "é" * 300, []),
    ],
)  # fmt: skip
def test_a_host_is_shown_in_both_forms(text: str, said: list[str]) -> None:
    assert hosts(text) == said


@given(st.text(max_size=30))
def test_no_host_is_too_strange(host: str) -> None:
    hosts(f"https://{host}/ http://xn--{host}")


def _plan(*changes: FieldChange) -> Plan:
    step = Step("recipients/offer.a", DESIGN, Action.UPDATE, Reason.CHANGED, Entry("x1"), Entry("x2"), changes=changes)
    return Plan(PlanKind.APPLY, "bank", "0", (StageBase(DESIGN, 1, "00"),), (step,))


LONG = "A sentence that goes on for longer than one line of a report takes, with a week in it, and then still some more of it."


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a week", "a\xa0week"),
        ("https://travel.example", "https://tr\u0430vel.example"),
        (LONG, LONG.replace("a week", "a\xa0week")),
        (f"<p>\n{LONG}\n</p>", "<p>\n" + LONG.replace("week", "w\u0435ek") + "\nnew\n</p>"),
        (["a week", "b"], ["a\u2003week", "b"]),
        ({"to": "a week"}, {"to": "a we\u0435k"}),
    ],
)
def test_every_form_of_a_report_tells_them_apart(before: object, after: object) -> None:
    plan = _plan(change("content.title", before, after))
    for report in (
        plan_text(PlanReport(plan, DIGEST)),
        diff_text(DiffReport(plan.steps, {}, ("a", "b"))),
        diff_markdown(DiffReport(plan.steps, {}, ("a", "b"))),
        diff_html(DiffReport(plan.steps, {}, ("a", "b"))),
    ):
        assert "differs: U+" in report
        assert "\\" in report


def test_a_new_host_is_shown_in_both_forms() -> None:
    url = "https://tr\u0430vel.example/"
    html = "\n".join(["<p>", f'<a href="{url}">x</a>', "</p>"])
    plan = _plan(
        FieldChange(ChangeOp.ADD, "content.destination_url", None, url),
        FieldChange(ChangeOp.ADD, "content.html", None, html),
    )
    for report in (
        plan_text(PlanReport(plan, DIGEST)),
        diff_markdown(DiffReport(plan.steps, {}, ("a", "b"))),
        diff_html(DiffReport(plan.steps, {}, ("a", "b"))),
    ):
        assert report.count("tr\u0430vel.example is xn--trvel-5ve.example") == 2
