"""``impact: {max_lost: …}``: what it measures, that nothing gets round it, and that an override is kept."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from helpers import tampering
from helpers.workspace import Workspace

from offerkit.diagnostics import Code, Diagnostic, Refused
from offerkit.reports.impact_record import overridden
from offerkit.store import RevisionRow
from offerkit.usecases import history
from offerkit.usecases.apply import apply

SHARED, OFFERS, SPACES, ENVIRONMENT = (
    "specs/shared.yaml", "specs/shop/offers.yaml", "specs/shop/spaces.yaml", "environments/shop.yaml",
)  # fmt: skip
PEOPLE = "id,email,first_name,age,country\n" + "".join(
    f"{n},p{n}@example.com,P{n},{10 * n},{'FR' if n % 2 else 'DE'}\n" for n in range(1, 11)
)
SOURCE = {"dimensions": {"person": {"source": {"format": "csv", "path": "data/people.csv"}}}}


def limit(text: str | None) -> dict[str, Any]:
    return {ENVIRONMENT: {"environment": {"impact": {"max_lost": text} if text else None}}}


@pytest.fixture
def people(shop: Workspace) -> Workspace:
    """Live, ten contacts aged 10 to 100; only the safari is on web, for everybody; 20 % may be lost."""
    shop.change({
        SHARED: SOURCE, "data/people.csv": PEOPLE, **limit("20%"),
        OFFERS: {"offers": {"saver": None, "gold-card": None, "safari": {"content": {"html": "Lions"}}}},
    })  # fmt: skip
    return shop.go_live()


def older(workspace: Workspace, age: int, **more: Any) -> None:
    """Only contacts of that age and above get the safari."""
    workspace.change({OFFERS: {"offers": {"safari": {"eligible": {"when": f"person.age >= {age}"}}}}, **more})
    workspace.apply("ada")
    workspace.approve_all()


def refused(workspace: Workspace, reason: str = "") -> tuple[Diagnostic, ...]:
    plan = workspace.promotion("ada")
    before = workspace.active()
    with pytest.raises(Refused) as caught:
        apply(replace(workspace.session("ada"), override_impact=reason), plan)
    assert workspace.active() == before
    return caught.value.diagnostics


def last(workspace: Workspace) -> RevisionRow:
    with workspace.store() as store:
        return store.revisions(limit=1)[0]


def test_as_many_as_allowed_may_be_lost(people: Workspace) -> None:
    older(people, 30)
    people.promote("ada")
    (mail, web) = last(people).details["impact"]["spaces"]  # type: ignore[index,call-overload]
    assert mail == {
        "space": "shop/mail", "contacts": {"about": 10}, "served": {"about": 10}, "lost": {"fewer_than": 5},
        "max_lost": "20%", "exceeds": False,
    }  # fmt: skip
    assert web["space"] == "shop/web"
    assert overridden(last(people).details) == ""


def test_one_more_is_refused_with_the_rule_and_the_way_out(people: Workspace) -> None:
    older(people, 31)
    (found,) = refused(people)
    assert found.code is Code.IMPACT
    assert found.address == "environment.shop"
    assert found.summary == (
        "the promotion would leave 3 of the 10 contacts who get an offer on shop/mail with none (30.0%); shop allows 20%"
    )
    assert found.detail == (
        "3 contacts lose safari: the offer's condition: person.age >= 31 (shop/offer.safari). Also over the limit: shop/web (30.0%)."
        " The limit is declared in live."
    )
    assert "--override-impact" in found.hint


def test_another_offer_instead_is_no_loss(people: Workspace) -> None:
    people.change({OFFERS: {"offers": {"safari": None, "hike": {"category": "travel", "content": {"title": "Up",
                   "html": "Up"}}}}})  # fmt: skip
    people.apply("ada")
    people.approve_all()
    people.promote("ada")
    assert set(people.active()) >= {"shop/offer.hike"}


def test_a_space_that_goes_is_lost_for_all_who_had_an_offer_there(people: Workspace) -> None:
    people.change({SPACES: {"spaces": {"mail": None}}, OFFERS: {"offers": {"safari": {"content": {"html": None}}}}})
    people.apply("ada")
    people.approve_all()
    (found,) = refused(people)
    assert "10 of the 10 contacts who get an offer on shop/mail with none (100.0%)" in found.summary
    assert "10 contacts lose safari: there is no such space" in found.detail


def test_a_renamed_space_and_a_renamed_offer_lose_nobody(people: Workspace) -> None:
    spaces, offers = people.files[SPACES]["spaces"], people.files[OFFERS]["offers"]
    people.change({
        SPACES: {"spaces": {"mail": None, "post": spaces["mail"]}, "moved": {"space.mail": "space.post"}},
        OFFERS: {"offers": {"safari": None, "lions": offers["safari"]}, "moved": {"offer.safari": "offer.lions"}},
    })  # fmt: skip
    people.apply("ada")
    people.approve_all()
    people.promote("ada")
    assert people.active()["shop/offer.lions"] == ("post", "web")


def test_a_saved_plan_does_not_slip_past(people: Workspace) -> None:
    older(people, 30)
    plan = people.promotion("ada")
    people.change({"data/people.csv": PEOPLE.replace(",30,", ",29,")})
    with pytest.raises(Refused) as caught:
        people.execute("ada", plan)
    assert [found.code for found in caught.value.diagnostics] == [Code.IMPACT]


@pytest.mark.parametrize("looser", [None, "90%"])
def test_what_live_allows_still_counts_in_the_promotion_that_loosens_it(people: Workspace, looser: str | None) -> None:
    older(people, 90, **limit(looser))
    (found,) = refused(people)
    assert "shop allows 20%" in found.summary
    assert "declared in live" in found.detail


def test_what_design_allows_counts_as_soon_as_it_is_stricter(people: Workspace) -> None:
    older(people, 30, **limit("10%"))
    (found,) = refused(people)
    assert "shop allows 10%" in found.summary
    assert "declared in design" in found.detail


def test_a_limit_of_nothing_lets_nobody_go(people: Workspace) -> None:
    older(people, 11, **limit("0%"))
    assert "1 of the 10 contacts" in refused(people)[0].summary


def test_an_override_is_kept_with_the_numbers_and_verified(people: Workspace) -> None:
    older(people, 90)
    plan = people.promotion("ada")
    apply(replace(people.session("ada"), override_impact=" the law \n of May "), plan)
    row = last(people)
    assert row.actor == "ada"
    assert row.details["impact"]["override"] == "the law of May"  # type: ignore[index,call-overload]
    said = "Impact overridden (about 8 of about 10 contacts lost on shop/mail, about 80%, 20% allowed and 1 more): the law of May"
    with people.store() as store:
        assert history.history(store, "", "", 1)[0].override == said
    assert people.verified() == []


def test_an_override_cannot_be_taken_out_of_the_history(people: Workspace) -> None:
    older(people, 90)
    plan = people.promotion("ada")
    session = replace(people.session("ada"), override_impact="the law")
    apply(session, plan)
    wipe = "UPDATE revision SET details = '{}' WHERE serial = (SELECT max(serial) FROM revision)"
    tampering.execute(session.store, wipe)
    assert [found.code for found in people.verified()] == [Code.HISTORY_BROKEN]


def test_a_reason_that_nothing_needed_is_not_kept(people: Workspace) -> None:
    older(people, 20)
    plan = people.promotion("ada")
    apply(replace(people.session("ada"), override_impact="to be sure"), plan)
    assert overridden(last(people).details) == ""


@pytest.mark.parametrize("reason", [" ", "\n", "x" * 2001, "a\0b", "a\udc80b"])
def test_a_reason_must_say_something(people: Workspace, reason: str) -> None:
    older(people, 90)
    (found,) = refused(people, reason)
    assert found.code is Code.BAD_VALUE


def test_what_cannot_be_measured_is_refused_or_overridden(people: Workspace) -> None:
    older(people, 20)
    (people.root / "data/people.csv").unlink()
    assert {found.code for found in refused(people)} == {Code.CONTACTS_SOURCE, Code.IMPACT_UNMEASURED}
    apply(replace(people.session("ada"), override_impact="no contacts here"), people.promotion("ada"))
    assert overridden(last(people).details) == "Impact overridden (not measured in shop): no contacts here"


def test_the_first_promotion_takes_nothing(shop: Workspace) -> None:
    shop.change(limit("0%"))
    shop.go_live()
    assert shop.active()


def test_a_rollback_is_not_asked(people: Workspace) -> None:
    with people.store() as store:
        serial = store.last_serial()
    older(people, 20)
    people.change({OFFERS: {"offers": {"safari": {"eligible": None}}}})
    people.change({OFFERS: {"offers": {"extra": {"category": "travel", "content": {"title": "A", "html": "A"}}}}})
    people.apply("ada")
    people.approve_all()
    people.promote("ada")
    people.rollback("ada", "shop@live", serial)
    assert "impact" not in last(people).details


def test_a_field_of_another_type_is_read_as_each_side_means_it(people: Workspace) -> None:
    older(people, 30)
    people.promote("ada")
    people.change({
        SHARED: {"dimensions": {"person": {"fields": {"age": {"type": "string"}}}}},
        OFFERS: {"offers": {"safari": {"eligible": {"when": "person.age <> '30'"}}}},
        "specs/shop/catalog.yaml": {"filters": {"adults": None}},
        **limit("10%"),
    })  # fmt: skip
    people.apply("ada")
    people.approve_all()
    (found,) = refused(people)
    assert "1 of the 8 contacts who get an offer on shop/mail" in found.summary


def test_installed_hooks_take_part_as_they_do_in_serving(
    people: Workspace, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path_factory.mktemp("site")
    (site / "few_hooks.py").write_text("def few(candidates):\n    return []\n")
    about = site / "few_hooks-1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: few-hooks\nVersion: 1\n")
    (about / "entry_points.txt").write_text("[offerkit.hooks]\nfew = few_hooks:few\n")
    monkeypatch.syspath_prepend(str(site))
    people.change({SPACES: {"spaces": {"web": {"hooks": {"post_processing": "few"}}}}})
    people.apply("ada")
    people.approve_all()
    (found,) = refused(people)
    assert (found.code, "10 of the 10 contacts who get an offer on shop/web" in found.summary) == (Code.IMPACT, True)
    assert "decided without" not in found.detail


def test_a_loss_without_a_hook_says_that_it_was_missing(people: Workspace) -> None:
    """The hook adds the call data that an offer needs; where it is measured, it is not installed."""
    people.change({
        SPACES: {"spaces": {"web": {"hooks": {"target_loading": "gone"}}}},
        OFFERS: {"offers": {"safari": {"eligible": {"when": "interaction.step = 'pay'"}}}},
        "environments/shop.yaml": {"environment": {"call_data": {"step": {}}}},
    })  # fmt: skip
    people.apply("ada")
    people.approve_all()
    (found,) = refused(people)
    said = (
        "The target-loading hook “gone” is not installed on shop/web: 0 calls before and 10 after were decided without"
    )
    assert said in found.detail
