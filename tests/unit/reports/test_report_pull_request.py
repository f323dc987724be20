"""The comment on a pull request: what stands first, what is cut, what its readers never get to see."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import cmarkgfm
import orjson
import pytest
from cmarkgfm.cmark import Options
from report_bodies import DESIGN, body
from report_edges import HOSTILE
from report_people import IMPACTS, ROUNDED, TIMES
from report_requests import HEAD, MARKER, MEANING, TOUR, hostile, huge, request, small

from offerkit.diagnostics import Refused
from offerkit.engine.estimate import Sample
from offerkit.engine.impact import Impact, OfferImpact, SpaceImpact
from offerkit.fingerprint import fingerprint
from offerkit.plans.plan import Reason, Step
from offerkit.reports import pull_request_markdown
from offerkit.reports.fields import step_diff
from offerkit.reports.pull_request import (
    PullRequest,
    alerts,
    impact_rows,
    pull_request_json,
    pull_request_of,
    verdict,
)
from offerkit.reports.pull_request_html import pull_request_html
from offerkit.reports.pull_request_markdown import GITHUB_BYTES, GITLAB_BYTES, comment_markdown
from offerkit.state.changes import Action, Entry

Golden = Callable[[str, str], None]
FORGES = {"github": GITHUB_BYTES, "gitlab": GITLAB_BYTES}


@pytest.mark.parametrize("forge", FORGES)
def test_a_comment(forge: str, golden: Golden) -> None:
    golden(f"pull-request-{forge}.md", comment_markdown(request(), marker=MARKER, limit=FORGES[forge]))
    cut = comment_markdown(huge(150), limit=FORGES[forge])
    assert "The whole is in <https://forge.example/" in cut
    assert cut.count("\n| ~ change |") == 149 if forge == "gitlab" else "of 150 steps did not fit" in cut


def test_other_comments(golden: Golden) -> None:
    golden("pull-request-small.md", comment_markdown(small(), marker=MARKER))
    golden("pull-request-hostile.md", comment_markdown(hostile(), marker=MARKER))
    golden("pull-request-cut.md", comment_markdown(huge(60), marker=MARKER, limit=10_000))


def test_the_whole(golden: Golden) -> None:
    golden("pull-request.html", pull_request_html(request()))
    golden("pull-request.json", pull_request_json(request()))


def test_what_stands_where() -> None:
    """A verdict, warnings, approvals, impact, steps, fine print: in this order."""
    text = comment_markdown(request(), marker=MARKER)
    marks = [MARKER, "### 4 offers and 3 other resources change", "Your branch is behind", "Stopped", "Approvals needed", "**Impact**",
             "<details><summary><b>Steps</b>", "<sub>recipients@design", MEANING, "offerkit ci plan", "The impact is not bound"]  # fmt: skip
    places = [text.index(mark) for mark in marks]
    assert places == sorted(places)
    assert "<details open><summary><b>Steps</b>" in comment_markdown(small())


def test_a_verdict() -> None:
    def of(made: Impact | None, base: PullRequest | None = None) -> str:
        return verdict(replace(base or small(), impact=made))

    def space(name: str, changed: int, sample: Sample | None = None) -> SpaceImpact:
        return SpaceImpact(name, 30_000, changed, 0, [OfferImpact("a", 1, changed, 0, 0)], sample=sample)

    one = Impact(*TIMES, 3, [space("recipients/web", 1_204)])
    estimated = Impact(*TIMES, 3, [space("recipients/web", 121, Sample(3_000, 30_000))])
    two = Impact(*TIMES, 3, [space("recipients/web", 7), space("recipients/sms", 40), space("pages/web", 1)])
    people = " contacts get other offers"
    assert of(None) == "1 offer changes"
    assert of(one) == f"1 offer changes · 1,204 of 30,000{people}"
    assert of(estimated) == f"1 offer changes · about 1,200 of 30,000{people}"
    assert of(two) == (
        "1 offer changes · at least 40 of 30,000 contacts of recipients and 1 of 30,000 contacts of pages get other offers"
    )
    assert of(ROUNDED) == f"1 offer changes · at least about 1,500 of about 3,000{people}"
    assert of(Impact(*TIMES, 3, [space("recipients/web", 0)])) == "1 offer changes · no contact gets other offers"
    assert of(IMPACTS["nothing"]) == "1 offer changes"
    assert of(None, request()) == "4 offers and 3 other resources change, 12 more offers are affected"
    empty = replace(small(), plan=replace(small().plan, steps=()))
    assert of(None, empty) == "Nothing changes" and empty.empty
    assert "Steps" not in comment_markdown(empty)
    assert "`report.html` of `recipients`, in the artifact of the run" in comment_markdown(small())


def test_ten_rows_of_impact() -> None:
    offers = [OfferImpact(f"offer-{place}", 5, place, 0, 0) for place in range(1, 26)]
    made = Impact(*TIMES, 3, [SpaceImpact("recipients/web", 100, 50, 0, offers)])
    text = comment_markdown(replace(small(), impact=made))
    assert re.findall(r"\| offer-(\d+) \|", text) == [str(place) for place in range(25, 15, -1)]
    assert "… and 15 more rows, in the whole report" in text
    assert len(impact_rows(made)) == 25 and all(
        f"offer-{place}<" in pull_request_html(replace(small(), impact=made)) for place in range(1, 26)
    )


TEXTS = {
    "plain": "",
    "hostile": HOSTILE * 4,
    "long": "x" * 65_537,
    "hidden": "\U000e0041" * 20_000,
    "marks": "`|<" * 22_000,
}


@pytest.mark.parametrize(
    ("name", "limit", "number"),
    [*((name, limit, 60) for name in TEXTS for limit in (10_000, GITHUB_BYTES) if name != "plain"),
     ("plain", 10_000, 60), ("plain", GITHUB_BYTES, 150), ("plain", GITLAB_BYTES, 2_000)],
)  # fmt: skip
def test_what_does_not_fit_is_counted(name: str, limit: int, number: int) -> None:
    """By whole steps: who reads the comment knows how many there are, and each that is there has its fields."""
    text = TEXTS[name]
    comment = comment_markdown(huge(number, text), marker=MARKER, limit=limit)
    assert len(comment.encode()) <= limit
    rows = len(re.findall(r"^\| [~-] (?:change|delete) \|", comment, re.MULTILINE))
    missing = re.search(r"Cut short\*\*: ([\d,]+) of ([\d,]+) steps", comment)
    assert missing is not None and int(missing[1].replace(",", "")) + rows == number
    assert len(re.findall("`{3,}diff\n", comment)) >= rows - 1 and comment.count("<details") == comment.count(
        "</details>"
    )
    assert "recipients/offer.bulk-" in comment and "| - delete |" in comment, "a deletion is the last to be left out"
    rendered = cmarkgfm.github_flavored_markdown_to_html(comment, Options.CMARK_OPT_UNSAFE)
    assert rendered.count("<table>") >= 1 and rendered.count("<details") == rendered.count("</details>")


def test_ten_thousand_steps_are_cut_without_being_written(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[Step] = []

    def counted(step: Step, *others: Any) -> Any:
        written.append(step)
        return step_diff(step, *others)

    monkeypatch.setattr(pull_request_markdown, "step_diff", counted)
    assert "of 10,000 steps did not fit" in comment_markdown(huge())
    assert len(written) < 300


def test_no_contact_is_named() -> None:
    """Neither as an example, nor as the value of a field that may name them, nor as the contact of a decision case."""
    fields = {"cases": {"young": {"contact": "secret-key-1", "space": "web", "expect": ["a"]}}}
    made = body("cases", **fields)
    key = fingerprint(made.kind, made.text.encode())
    step = Step("recipients/cases.young", DESIGN, Action.CREATE, Reason.DECLARED, None, Entry(key))
    plan = replace(small().plan, steps=(step,), bodies={key: made})
    examples = [OfferImpact("a", 1, 0, 1, 0, list(IMPACTS["all"].spaces[0].offers[0].examples))]
    by = [("recipient.email", [IMPACTS["all"].spaces[0].segments[0][1][0]])]
    impact = Impact(*TIMES, 3, [SpaceImpact("recipients/web", 30, 20, 1, examples, 1, "", by)])
    shown = replace(small(), plan=plan, impact=impact)
    for text in (comment_markdown(shown), pull_request_html(shown), pull_request_json(shown)):
        assert "secret-key-1" not in text and "(not shown)" in text
        assert "recipient.email" not in text and not re.search(r"\b(?:50|64|81)\b.{0,9}lost|lost by", text)
    assert "lost" in comment_markdown(shown)


def test_the_data_is_read_back() -> None:
    for made in (request(), small(), hostile(), huge(50)):
        text = pull_request_json(made)
        back = pull_request_of(text.encode())
        assert back.artifact == "" and pull_request_json(replace(back, artifact=made.artifact)) == text
        again = comment_markdown(replace(back, artifact=made.artifact), marker=MARKER)
        assert again == comment_markdown(made, marker=MARKER)


def _without(data: dict[str, Any], *path: str | int, value: object = None) -> bytes:
    changed: Any = orjson.loads(orjson.dumps(data))
    place = changed
    for part in path[:-1]:
        place = place[part]
    place[path[-1]] = value
    return json.dumps(changed).encode()


def _deep(levels: int) -> object:
    made: object = "x"
    for _ in range(levels):
        made = [made]
    return made


def test_data_that_is_none_is_refused() -> None:
    data = orjson.loads(pull_request_json(request()))
    space = data["impact"]["spaces"][0]
    wrong = [
        b"", b"[]", b"{}", b"nonsense", b"\xff", b"[" * 100_000, orjson.dumps({"format": True}),
        _without(data, "format", value=2), _without(data, "plan"), _without(data, "meaning", value=5),
        _without(data, "plan", "steps", value=[{}]), _without(data, "plan", "steps", 0, "address", value="../x"),
        _without(data, "plan", "steps", 0, "action", value="explode"),
        _without(data, "plan", "steps", 0, "changes", 0, "before", value=_deep(200)),
        _without(data, "plan", "bodies", "f-rockies", "text", value="{"),
        _without(data, "plan", "bodies", "f-rockies", "text", value="[" * 500 + "]" * 500),
        _without(data, "plan", "bodies", "f-rockies", "kind", value="nothing"),
        _without(data, "impact", "spaces", 0, "changed", value=-1),
        _without(data, "impact", "spaces", 0, "changed", value=10**20),
        _without(data, "impact", "spaces", 0, "max_lost", value="a%"),
        _without(data, "impact", "spaces", 0, "sample", value={"contacts": 0, "population": 5}),
        _without(data, "impact", "spaces", 0, "sample", value={"contacts": space["changed"] - 1, "population": 10_000}),
        _without(data, "warnings", 0, "code", value="OFR000"), _without(data, "approvals", value="all"),
    ]  # fmt: skip
    for content in wrong:
        with pytest.raises(Refused) as refused:
            pull_request_of(content)
        assert [found.code for found in refused.value.diagnostics] == ["OFR930"], content[:80]


def test_data_with_an_odd_text_is_shown_as_text() -> None:
    """A link, a contact's key and a script in what somebody else's run wrote."""
    data = orjson.loads(pull_request_json(request()))
    data["artifact"] = "https://evil.example"
    data["impact"]["spaces"][0]["offers"][0]["examples"][0]["contact"] = "secret-key-1"
    data["head"] = "`</code><img src=x> @octocat"
    back = pull_request_of(orjson.dumps(data))
    for text in (comment_markdown(back), pull_request_html(back), pull_request_json(back)):
        assert "evil.example" not in text and "secret-key-1" not in text
    assert "<img" not in pull_request_html(back)


def test_alerts_say_what_is_grave_first() -> None:
    titles = [one.title for one in alerts(request())]
    assert titles == [
        "Error OFR604", "Your branch is behind", "Left without an offer", "Stopped", "Warning OFR404",
    ]  # fmt: skip
    assert [one.title for one in alerts(replace(request(), behind=None))][1] == "Deletes"
    assert TOUR in alerts(request())[3].text and HEAD[:12] in comment_markdown(request())
