"""Who is asking: the store's operators decide, never those of the files being applied."""

from __future__ import annotations

from typing import Any

import pytest
from helpers.workspace import Workspace

from offerkit.diagnostics import Code, Refused
from offerkit.governance.rights import Actor
from offerkit.usecases.apply import entitled_actor
from offerkit.usecases.session import promoters, who_is

SHARED = "specs/shared.yaml"


def actor(workspace: Workspace, who: str = "", **more: Any) -> Actor:
    with workspace.store() as store:
        return who_is(workspace.session(who, **more), store)


def refusal(workspace: Workspace, who: str = "", **more: Any) -> tuple[str, str]:
    with pytest.raises(Refused) as caught:
        actor(workspace, who, **more)
    found = caught.value.diagnostics[0]
    return found.code, found.summary + " " + found.hint


@pytest.fixture
def known(shop: Workspace) -> Workspace:
    shop.change({SHARED: {"operators": {
        "omar": {"email": "Omar@Example.com"}, "otto": {"profile": "offer-manager", "enabled": False, "email": "o@x.de"},
    }}})  # fmt: skip
    shop.apply("ada")
    return shop


def test_by_name_before_by_email(known: Workspace) -> None:
    assert actor(known, "ada", email="omar@example.com") == Actor("ada", "administrator")


def test_by_the_email_that_git_knows(known: Workspace) -> None:
    assert actor(known, email="omar@example.COM") == Actor("omar", "offer-manager")


@pytest.mark.parametrize(
    ("who", "more", "code", "words"),
    [
        ("", {}, Code.NO_OPERATOR, "ada, brand, dora, olga, omar, otto, risk"),
        ("", {"email": "nobody@example.com"}, Code.NO_OPERATOR, "no operator given"),
        ("oma", {}, Code.NO_OPERATOR, "Did you mean omar"),
        ("Ada", {}, Code.NO_OPERATOR, "there is no operator “Ada” Did you mean ada"),
        ("otto", {}, Code.NOT_ALLOWED, "operator otto is disabled"),
        ("", {"email": "o@x.de"}, Code.NOT_ALLOWED, "operator otto is disabled"),
    ],
)
def test_nobody(known: Workspace, who: str, more: dict[str, str], code: Code, words: str) -> None:
    found, text = refusal(known, who, **more)
    assert found == code
    assert words in text


def test_the_first_apply_may_be_anyones_and_names_them_as_well_as_it_can(shop: Workspace) -> None:
    shop.change({SHARED: {"operators": {"ada": {"email": "ada@example.com"}}}})
    plan = shop.plan()
    named = [
        (shop.session("whoever"), "whoever"),
        (shop.session(email="ADA@example.com"), "ada"),
        (shop.session(email="other@example.com", user="root"), "root"),
        (shop.session(), "bootstrap"),
    ]
    for session, name in named:
        assert entitled_actor(session, plan) == Actor(name, None)


def test_one_cannot_give_oneself_a_profile_with_the_files_one_applies(known: Workspace) -> None:
    known.change({SHARED: {"operators": {"dora": {"profile": "administrator"}, "eve": {"profile": "administrator"}}}})
    plan = known.plan()
    for who in ("dora", "eve", "omar"):
        with pytest.raises(Refused):
            known.execute(who, plan)
    known.execute("ada", plan)
    assert actor(known, "eve").profile == "administrator"


def test_the_last_administrator_cannot_go(known: Workspace) -> None:
    for patch in ({"ada": None}, {"ada": {"profile": "offer-manager"}}, {"ada": {"enabled": False}}):
        files = known.files
        known.change({SHARED: {"operators": patch}})
        with pytest.raises(Refused, match="administrator"):
            known.plan()
        known.files = files
        known.change({})


def test_promoters_are_those_of_design_as_applied(known: Workspace) -> None:
    known.change({"environments/shop.yaml": {"environment": {"promotion": {"promoters": ["omar"]}}}})
    with known.store() as store:
        assert promoters(store) == {}
    known.apply("ada")
    with known.store() as store:
        assert promoters(store) == {"shop": ("omar",)}
