"""What belongs to content and eligibility, so that changing it makes an approval void, and what does not."""

from __future__ import annotations

from typing import Any

import pytest
from helpers import meaning
from helpers.files import patched
from helpers.projects import Model, models
from hypothesis import given

from offerkit.address import SECTIONS, Kind, parse_address
from offerkit.fingerprint import canonical, fingerprint
from offerkit.governance.aspects import (
    affecting,
    approval_keys,
    content_fingerprint,
    eligibility_fingerprint,
)
from offerkit.models import model_of
from offerkit.plans.plan import Aspect
from offerkit.state.changes import Body, Entry
from offerkit.state.snapshot import Snapshot

Bodies = dict[str, dict[str, Any]]
OFFER = parse_address("s/offer.o")
STAGE: Bodies = {
    OFFER: {
        "label": "L",
        "template": "top",
        "category": "a/b",
        "eligible": {"filters": ["f"], "when": "person.age > 1"},
        "weights": [{"weight": "10"}],
        "content": {"title": "t", "text": "x"},
        "representations": {"mail": {"title": "m"}},
        "themes": ["x"],
    },
    "s/template.top": {"template": "base", "content": {"html": "<p>"}, "reviewers": {"content": ["brand"]}},
    "s/template.base": {"content": {"html": "no", "text": "no"}, "eligible": {"until": "2027-01-01"}},
    "s/template.other": {},
    "s/category.a": {"multiplier": {"factor": "2"}},
    "s/category.a/b": {"label": "B"},
    "s/category.c": {},
    "s/filter.f": {"when": "person.age >= 18"},
    "s/filter.g": {"when": "person.age >= 21"},
    "s/space.mail": {
        "channel": "email",
        "fields": [{"name": "title"}, {"name": "html", "required": True}],
        "render": {"html": "{{ title }}"},
    },
    "s/space.web": {"channel": "inbound-web", "fields": [{"name": "title"}, {"name": "text"}]},
    "s/space.wall": {"channel": "paper", "fields": [{"name": "title"}, {"name": "image_url", "required": True}]},
    "environment.s": {"dimension": "person"},
}


def view(bodies: Bodies) -> Snapshot:
    entries, texts = {}, {}
    for address, value in ((parse_address(text), value) for text, value in bodies.items()):
        kind = address.kind
        body = canonical(model_of(kind).model_validate(value).body())
        entries[address] = Entry(fingerprint(kind, body))
        texts[entries[address].fingerprint] = Body(kind, body.decode())
    return Snapshot(entries, texts)


def prints(bodies: Bodies) -> dict[str, str]:
    return prints_in(view(bodies))


def prints_in(seen: Snapshot) -> dict[str, str]:
    return {
        "eligibility": eligibility_fingerprint(seen, OFFER),
        **{space: content_fingerprint(seen, OFFER, space) for space in ("mail", "web")},
    }


BEFORE = prints(STAGE)


@pytest.mark.parametrize(
    ("patch", "void"),
    [
        # the offer itself
        ({OFFER: {"label": "Other"}}, []),
        ({OFFER: {"description": "x", "protected": True}}, []),
        ({OFFER: {"reviewers": {"content": ["risk"]}}}, []),
        ({OFFER: {"spaces": ["mail", "web"]}}, []),
        ({OFFER: {"code": "C"}}, ["eligibility"]),
        ({OFFER: {"enabled": False}}, ["eligibility"]),
        ({OFFER: {"eligible": {"from": "2026-01-01"}}}, ["eligibility"]),
        ({OFFER: {"eligible": {"when": "person.age > 2"}}}, ["eligibility"]),
        ({OFFER: {"eligible": {"filters": ["f", "g"]}}}, ["eligibility"]),
        ({OFFER: {"weights": [{"weight": "11"}]}}, ["eligibility"]),
        ({OFFER: {"weights": [{"weight": "10", "spaces": ["web"]}]}}, ["eligibility"]),
        ({OFFER: {"weights": [{"weight": "10.0"}]}}, []),
        ({OFFER: {"themes": ["y"]}}, ["eligibility"]),
        ({OFFER: {"category": "c"}}, ["eligibility"]),
        ({OFFER: {"content": {"title": "other"}}}, ["web"]),  # mail has its own title
        ({OFFER: {"content": {"text": "other"}}}, ["web"]),  # mail shows no text
        ({OFFER: {"content": {"html": "other"}}}, ["mail"]),
        ({OFFER: {"representations": {"mail": {"title": "other"}}}}, ["mail"]),
        ({OFFER: {"representations": {"mail": None}}}, ["mail"]),
        ({OFFER: {"representations": {"web": {"title": "other"}}}}, ["web"]),
        ({OFFER: {"representations": {"web": {"title": "t"}}}}, []),  # what it is already
        ({OFFER: {"template": "other"}}, ["eligibility", "mail"]),  # until and html came from there
        # templates
        ({"s/template.top": {"label": "x", "description": "y"}}, []),
        ({"s/template.top": {"content": {"html": "<b>"}}}, ["mail"]),
        ({"s/template.base": {"content": {"html": "<b>"}}}, []),  # overridden above
        ({"s/template.top": {"content": {"title": "no"}}}, []),  # overridden by the offer
        ({"s/template.base": {"eligible": {"until": "2028-01-01"}}}, ["eligibility"]),
        ({"s/template.top": {"weights": [{"weight": "3"}]}}, []),  # the offer has its own
        ({"s/template.top": {"representations": {"web": {"title": "r"}}}}, ["web"]),
        ({"s/template.top": {"reviewers": {"content": ["risk"]}}}, []),
        # categories
        ({"s/category.a": {"label": "x", "description": "y", "protected": True}}, []),
        ({"s/category.a": {"multiplier": {"factor": "3"}}}, ["eligibility"]),
        ({"s/category.a": {"multiplier": {"until": "2027-01-01"}}}, ["eligibility"]),
        ({"s/category.a/b": {"multiplier": {"factor": "3"}}}, ["eligibility"]),
        ({"s/category.a": {"eligible": {"when": "x = 1"}}}, ["eligibility"]),
        ({"s/category.a": {"enabled": False}}, ["eligibility"]),
        ({"s/category.a": {"themes": ["t"]}}, ["eligibility"]),
        ({"s/category.a": {"always_include": True}}, ["eligibility"]),
        ({"s/category.c": {"enabled": False}}, []),
        # filters
        ({"s/filter.f": {"when": "person.age >= 21"}}, ["eligibility"]),
        ({"s/filter.f": {"parameters": {"p": {}}}}, ["eligibility"]),
        ({"s/filter.f": {"label": "x"}}, []),
        ({"s/filter.g": {"when": "x = 1"}}, []),
        # spaces
        ({"s/space.mail": {"render": {"html": "<i>"}}}, ["mail"]),
        ({"s/space.mail": {"render": {"text": "x"}}}, ["mail"]),
        ({"s/space.mail": {"fields": [{"name": "html", "required": True}, {"name": "title"}]}}, ["mail"]),
        ({"s/space.mail": {"fields": [{"name": "title"}, {"name": "html"}]}}, ["mail"]),
        ({"s/space.mail": {"label": "x", "unitary": True, "storage": {"enabled": False}}}, []),
        ({"s/space.wall": {"render": {"html": "x"}}}, []),
        # the environment
        ({"environment.s": {"when": "person.age > 16", "time_zone": "Europe/Paris"}}, []),
    ],
)
def test_what_makes_an_approval_void(patch: Bodies, void: list[str]) -> None:
    after = view(patched(STAGE, patch))
    found = prints_in(after)
    assert [name for name in BEFORE if found[name] != BEFORE[name]] == void
    shared = view(STAGE)
    assert prints_in(shared) == BEFORE
    assert prints_in(shared.with_entries(after.entries, after.bodies)) == found  # what is remembered is of other bodies
    assert prints_in(shared) == BEFORE


def test_whatever_makes_an_approval_void_is_known_to_affect_the_offer() -> None:
    assert affecting(view(STAGE), OFFER) == {
        OFFER,
        "s/template.top",
        "s/template.base",
        "s/category.a",
        "s/category.a/b",
        "s/filter.f",
        "s/space.mail",
        "s/space.web",
        "s/space.wall",
    }


@pytest.mark.parametrize("who", [OFFER, "s/template.top", "s/template.base"])
def test_spaces_that_it_is_not_for_affect_no_offer_whoever_names_them(who: str) -> None:
    named = patched(STAGE, {who: {"spaces": ["web"]}})
    assert {a for a in affecting(view(named), OFFER) if "/space." in a} == {"s/space.web"}


def test_a_space_on_which_it_is_live_affects_it_although_it_is_not_named_any_more() -> None:
    """A template may name other spaces, which changes no approval, and the offer stays active where it was."""
    live = view(patched(STAGE, {"s/template.top": {"spaces": ["web"]}}))
    active = live.with_entries({**live.entries, OFFER: Entry(live.entries[OFFER].fingerprint, ("mail", "web"))})
    assert {a for a in affecting(active, OFFER) if "/space." in a} == {"s/space.web", "s/space.mail"}


def test_a_renamed_offer_is_the_same_to_its_reviewers() -> None:
    renamed = {("s/offer.new" if a == OFFER else a): b for a, b in STAGE.items()}
    assert eligibility_fingerprint(view(renamed), parse_address("s/offer.new")) == BEFORE["eligibility"]
    assert content_fingerprint(view(renamed), parse_address("s/offer.new"), "web") == BEFORE["web"]


@pytest.mark.parametrize("spelling", ["offer.code = 'x'", "OFFER . label = 'x'", "lower(Offer.name) = 'x'"])
def test_where_a_condition_speaks_of_the_offer_its_names_are_part_of_the_eligibility(spelling: str) -> None:
    speaking = patched(STAGE, {"s/filter.f": {"when": spelling}})
    assert prints(patched(speaking, {OFFER: {"label": "Other"}}))["eligibility"] != prints(speaking)["eligibility"]
    assert prints(patched(speaking, {OFFER: {"label": "Other"}}))["web"] == prints(speaking)["web"]


def test_where_a_text_speaks_of_the_offer_its_names_are_part_of_the_content() -> None:
    speaking = patched(STAGE, {"s/space.web": {"render": {"html": "{{ offer.label }}"}}})
    assert prints(patched(speaking, {OFFER: {"label": "Other"}}))["web"] != prints(speaking)["web"]
    assert prints(patched(speaking, {OFFER: {"label": "Other"}}))["mail"] == prints(speaking)["mail"]


def test_two_spaces_of_one_body_are_two_places() -> None:
    twins = patched(STAGE, {"s/space.post": STAGE["s/space.mail"]})
    seen = view(twins)
    assert seen.entries["s/space.post"].fingerprint == seen.entries["s/space.mail"].fingerprint
    assert content_fingerprint(seen, OFFER, "mail") != content_fingerprint(seen, OFFER, "post")  # it has its own title


def test_keys_are_for_the_spaces_it_is_to_be_shown_on() -> None:
    seen = view(STAGE)
    assert seen.offer(OFFER).shown_on == ("mail", "web")  # not on the wall: it has no image
    assert [(k.aspect, k.space, k.fingerprint) for k in approval_keys(seen, OFFER)] == [
        (Aspect.ELIGIBILITY, "", BEFORE["eligibility"]),
        (Aspect.CONTENT, "mail", BEFORE["mail"]),
        (Aspect.CONTENT, "web", BEFORE["web"]),
    ]
    named = view(patched(STAGE, {OFFER: {"spaces": ["web"]}}))
    assert [k.space for k in approval_keys(named, OFFER)] == ["", "web"]


def test_missing_fields_and_spaces_that_are_not_there() -> None:
    seen = view(STAGE)
    assert seen.offer(OFFER).missing("wall") == ["image_url"]
    assert seen.offer(OFFER).missing("mail") == []
    assert seen.offer(OFFER).missing("none") == []
    assert content_fingerprint(seen, OFFER, "none") == ""


def test_reviewers_are_inherited_by_aspect() -> None:
    assert view(STAGE).offer(OFFER).reviewers(Aspect.CONTENT) == ("brand",)
    assert view(STAGE).offer(OFFER).reviewers(Aspect.ELIGIBILITY) == ()
    own = view(patched(STAGE, {OFFER: {"reviewers": {"eligibility": ["risk"]}}}))
    assert own.offer(OFFER).reviewers(Aspect.CONTENT) == ("brand",)
    assert own.offer(OFFER).reviewers(Aspect.ELIGIBILITY) == ("risk",)


@given(models(), models())
def test_fingerprints_agree_with_a_second_opinion(one: Model, two: Model) -> None:
    """Two offers have one fingerprint exactly if an independent reading finds them the same."""
    seen = []
    for model in (one, two):
        stage = view(
            {
                f"s/{SECTIONS[section]}.{name}": body
                for section, bodies in model.items()
                for name, body in bodies.items()
            }
        )
        bodies = {address: stage(address) or {} for address in stage.entries}
        for offer in stage.of_kind(Kind.OFFER):
            for space in stage.offer(offer).shown_on:
                seen.append(
                    (content_fingerprint(stage, offer, space), "content" + meaning.content(bodies, offer, space))
                )
            seen.append((eligibility_fingerprint(stage, offer), "eligibility" + meaning.eligibility(bodies, offer)))
    for print_, meant in seen:
        for other, other_meant in seen:
            assert (print_ == other) == (meant == other_meant)
