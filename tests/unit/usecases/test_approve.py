"""What can be decided on, by whom, and what waits for whom."""

from __future__ import annotations

from typing import Any

import pytest
from helpers.workspace import Workspace

from offerkit.address import parse_address
from offerkit.diagnostics import Code, Refused
from offerkit.governance.approvals import Decision
from offerkit.usecases.approve import approve_or_reject
from offerkit.usecases.awaited_approvals import decidable_by, list_approvals
from offerkit.usecases.requests import ApprovalRequest
from offerkit.usecases.review import review_tokens
from offerkit.usecases.session import who_is

GOLD, SAFARI, SAVER = "shop/offer.gold-card", "shop/offer.safari", "shop/offer.saver"


def told(workspace: Workspace, who: str, *patterns: str, **wish: Any) -> list[str]:
    return [
        f"{k.aspect} {k.space} {k.address}".replace("  ", " ") for k in workspace.approve(who, *patterns, **wish).keys
    ]


def refusal(workspace: Workspace, who: str, *patterns: str, **wish: Any) -> list[tuple[str, str]]:
    with pytest.raises(Refused) as caught:
        workspace.approve(who, *patterns, **wish)
    return [(d.code, f"{d.summary} {d.detail} {d.hint}") for d in caught.value.diagnostics]


@pytest.fixture
def shop(shop: Workspace) -> Workspace:
    shop.apply("ada")
    return shop


def test_by_pattern_category_and_aspect(shop: Workspace) -> None:
    assert told(shop, "omar", SAFARI) == [f"content web {SAFARI}", f"eligibility {SAFARI}"]
    assert told(shop, "omar", SAVER, spaces=("mail",)) == [f"content mail {SAVER}"]
    assert told(shop, "omar", SAVER, content=True) == [f"content web {SAVER}"]


def test_all_below_a_category(shop: Workspace) -> None:
    assert set(told(shop, "risk", categories=("bank/cards",))) == {f"eligibility {GOLD}"}
    shop.approve("omar", categories=("travel",))
    with shop.store() as store:
        assert {a.key.address for a in store.approvals()} == {GOLD, SAFARI}


def test_all_that_a_plan_lacks(shop: Workspace) -> None:
    plan = shop.promotion("ada")
    decided = shop.approve("omar", plan=plan)
    assert {key.address for key in decided.keys} == {SAFARI, SAVER}
    assert decided.left == (
        "the content of shop/offer.gold-card is for brand", "the eligibility of shop/offer.gold-card is for risk",
    )  # fmt: skip


def test_what_stands_already_makes_no_revision(shop: Workspace) -> None:
    shop.approve("omar", SAFARI)
    again = shop.approve("olga", SAFARI)
    assert (again.revision, again.keys) == (None, ())
    with shop.store() as store:
        assert store.last_serial() == 2


@pytest.mark.parametrize(
    ("who", "patterns", "wish", "codes", "words"),
    [
        ("omar", ("shop/offer.safary",), {}, [Code.NO_MATCH], "Did you mean shop/offer.safari"),
        ("omar", ("shop/category.*",), {}, [Code.NO_MATCH], "no offer in design matches"),
        ("omar", ("x", "y"), {}, [Code.NO_MATCH, Code.NO_MATCH], "“y”"),
        ("omar", (), {"categories": ("trvel",)}, [Code.NO_MATCH], "Did you mean travel?"),
        ("omar", (SAFARI,), {"spaces": ("wbe",)}, [Code.NO_MATCH], "Did you mean web?"),
        ("omar", (SAFARI,), {"spaces": ("mail",)}, [Code.NO_MATCH], "“mail”"),
        ("omar", (GOLD,), {"content": True}, [Code.NOT_ALLOWED], "brand may They are its named reviewers"),
        ("omar", (GOLD,), {}, [Code.NOT_ALLOWED], "is not allowed to approve any of this"),
        ("ada", (GOLD,), {"eligibility": True}, [Code.NOT_ALLOWED], "ada (administrator) is not allowed to decide"),
        ("dora", (SAFARI,), {}, [Code.NOT_ALLOWED], "is for offer-manager or administrator"),
        ("nobody", (SAFARI,), {}, [Code.NO_OPERATOR], "there is no operator"),
    ],
)
def test_what_cannot_be_decided(
    shop: Workspace, who: str, patterns: tuple[str, ...], wish: dict[str, Any], codes: list[Code], words: str
) -> None:
    found = refusal(shop, who, *patterns, **wish)
    assert [code for code, _ in found] == codes
    assert any(words in text for _, text in found)
    with shop.store() as store:
        assert store.approvals() == []


def test_an_offer_that_lacks_a_required_field_is_not_approved_there(shop: Workspace) -> None:
    shop.change({
        "specs/shop/offers.yaml": {"offers": {"saver": {"spaces": ["mail", "web"]}}},
    })  # fmt: skip
    shop.apply("ada")
    shop.change({"specs/shop/spaces.yaml": {"spaces": {"mail": {"fields": [
        {"name": "title", "required": True}, {"name": "html"}, {"name": "footer", "required": True},
    ]}}}, "specs/shop/offers.yaml": {"offers": {"saver": {"content": {"footer": "x"}}}}})  # fmt: skip
    shop.apply("ada", "shop/space.mail")
    assert [code for code, _ in refusal(shop, "omar", SAVER)] == [Code.REQUIRED_FIELD]
    shop.reject("omar", SAVER)
    shop.apply("ada")
    assert f"content mail {SAVER}" in told(shop, "omar", SAVER)


def test_what_waits_for_whom(shop: Workspace) -> None:
    shop.approve("brand", GOLD, spaces=("web",), comment="fine")
    shop.reject("risk", GOLD, comment="too risky")
    with shop.store() as store:
        rows = [(r.address, r.aspect, r.spaces, r.state, r.who, r.by, r.comment, r.live) for r in list_approvals(store)]
        brand = who_is(shop.session("brand"), store)
        dora = who_is(shop.session("dora"), store)
        for_brand = [(r.address, r.state) for r in decidable_by(list_approvals(store), brand)]
        assert decidable_by(list_approvals(store), dora) == []
        assert {r.address for r in list_approvals(store, ("*safari",))} == {SAFARI}
    managers = ("offer-manager", "administrator")
    assert rows == [
        (GOLD, "eligibility", (), "rejected", ("risk",), "risk", "too risky", False),
        (GOLD, "content", ("mail",), "waiting", ("brand",), "", "", False),
        (GOLD, "content", ("web",), "approved", ("brand",), "brand", "fine", False),
        (SAFARI, "eligibility", (), "waiting", managers, "", "", False),
        (SAFARI, "content", ("web",), "waiting", managers, "", "", False),
        (SAVER, "eligibility", (), "waiting", managers, "", "", False),
        (SAVER, "content", ("mail", "web"), "waiting", managers, "", "", False),
    ]
    assert for_brand == [(GOLD, "waiting"), (GOLD, "approved")]


def test_a_new_reviewer_is_asked_again(shop: Workspace) -> None:
    shop.approve("omar", SAFARI)
    shop.change({"specs/shop/offers.yaml": {"offers": {"safari": {"reviewers": {"content": ["brand"]}}}}})
    shop.apply("ada")
    assert told(shop, "brand", SAFARI) == [f"content web {SAFARI}"]


def test_what_is_refused_of_one_offer_leaves_the_others_alone(shop: Workspace) -> None:
    """Brand reviews gold-card only; the others are refused, each with its reason."""
    decided = shop.approve("brand", "shop/offer.*", content=True)
    assert {(key.address, key.space) for key in decided.keys} == {(GOLD, "mail"), (GOLD, "web")}
    assert [(found.code, found.address) for found in decided.refused] == [
        (Code.NOT_ALLOWED, SAFARI), (Code.NOT_ALLOWED, SAVER),
    ]  # fmt: skip
    assert (
        "omar" not in decided.refused[0].summary
        and "is not allowed to decide on the content" in decided.refused[0].summary
    )
    again = shop.approve("brand", "shop/offer.*", content=True)  # stands already: nothing new, the same reasons
    assert (again.revision, again.keys, len(again.refused)) == (None, (), 2)
    assert [code for code, _ in refusal(shop, "dora", "shop/offer.*", content=True)] == [Code.NOT_ALLOWED] * 3


def test_an_offer_is_decided_as_asked_for_or_not_at_all(shop: Workspace) -> None:
    """Brand may decide on gold-card's content, but not on its eligibility, which is asked for as well."""
    shop.change(
        {
            "specs/shop/offers.yaml": {
                "offers": {"saver": {"reviewers": {"content": ["brand"], "eligibility": ["brand"]}}}
            }
        }
    )
    shop.apply("ada")
    decided = shop.reject("brand", "shop/offer.*", content=True, eligibility=True)
    assert {key.address for key in decided.keys} == {SAVER}
    assert [found.address for found in decided.refused] == [GOLD, SAFARI, SAFARI]


def test_who_changed_one_of_many_approves_the_others(shop: Workspace) -> None:
    shop.change({"environments/shop.yaml": {"environment": {"promotion": {"separation_of_duties": True}}}})
    shop.apply("ada")
    shop.change({"specs/shop/offers.yaml": {"offers": {"safari": {"content": {"title": "More lions"}}}}})
    shop.apply("omar")
    decided = shop.approve("omar", SAFARI, SAVER)
    assert {key.address for key in decided.keys} == {SAVER}
    assert [(found.code, found.address) for found in decided.refused] == [(Code.SEPARATION, SAFARI)]


def test_who_changed_an_offer_does_not_approve_it_under_a_name_that_was_approved_for_another(shop: Workspace) -> None:
    shop.change({"environments/shop.yaml": {"environment": {"promotion": {"separation_of_duties": True}}}})
    shop.apply("ada")
    shop.change({"specs/shop/offers.yaml": {"offers": {"safari": {"content": {"title": "More lions"}}}}})
    shop.apply("omar")
    shop.approve("olga", SAVER)
    offers = shop.files["specs/shop/offers.yaml"]["offers"]
    swapped = {"safari": None, "saver": None}
    moved = {"offer.safari": "offer.saver", "offer.saver": "offer.safari"}
    was = {name: offers[name] for name in swapped}
    shop.change({"specs/shop/offers.yaml": {"offers": swapped}})
    shop.change(
        {"specs/shop/offers.yaml": {"moved": moved, "offers": {"safari": was["saver"], "saver": was["safari"]}}}
    )
    shop.apply("ada")
    with pytest.raises(Refused) as refused:
        shop.approve("omar", SAVER)
    assert [(found.code, found.address) for found in refused.value.diagnostics] == [(Code.SEPARATION, SAVER)]


def test_what_was_shown_otherwise_is_refused_alone(shop: Workspace) -> None:
    with shop.store() as store:
        names = review_tokens(store, map(parse_address, [SAFARI, SAVER]))
    decided = shop.approve("omar", SAFARI, SAVER, seen={**names, SAFARI: "0" * 32})
    assert {key.address for key in decided.keys} == {SAVER}
    assert [(found.code, found.address) for found in decided.refused] == [(Code.NOT_AS_SHOWN, SAFARI)]


def test_of_two_at_once_each_decision_stands_whole(shop: Workspace) -> None:
    """One approves all, the other rejects all: the store has both revisions, and no offer is left in between."""
    from concurrent.futures import ThreadPoolExecutor

    sessions = [shop.session(who, lock_timeout=30) for who in ("omar", "olga")]
    with ThreadPoolExecutor(2) as pool:
        both = list(
            pool.map(
                approve_or_reject,
                sessions,
                [ApprovalRequest((SAFARI, SAVER))] * 2,
                [Decision.APPROVED, Decision.REJECTED],
            )
        )
    assert [len(made.keys) for made in both] == [5, 5]
    with shop.store() as store:
        standing_ = {(a.key.address, a.key.aspect, a.key.space): a.decision for a in store.approvals()}
    assert len(set(standing_.values())) == 1 and len(standing_) == 5
    assert shop.verified() == []
