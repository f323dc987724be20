"""The table of domain.md §1, row by row."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from offerkit.address import SHARED_KINDS, Kind
from offerkit.diagnostics import Code
from offerkit.governance.profiles import BUILT_IN, Profiles, right_to
from offerkit.governance.rights import (
    Actor,
    TokenScope,
    approvers,
    may_approve,
    plan_refusals,
    reserved_refusals,
    scopes_of,
    token_scope_errors,
)
from offerkit.models.profile import ProfileRight
from offerkit.models.profiles import BuiltInProfile as Profile
from offerkit.models.profiles import Verb
from offerkit.plans.plan import Plan, PlanKind, Reason, Step
from offerkit.state.changes import Action, Body, Entry

ADMIN: Profile = "administrator"
OFFERS: Profile = "offer-manager"
DELIVERIES: Profile = "delivery-manager"
PROFILES = (ADMIN, OFFERS, DELIVERIES)

DESIGN: dict[Kind, tuple[Profile, ...]] = {
    Kind.DIMENSION: (ADMIN,),
    Kind.OPERATOR: (ADMIN,),
    Kind.PROFILE: (ADMIN,),
    Kind.WEBHOOK: (ADMIN,),
    Kind.ENVIRONMENT: (ADMIN,),
    Kind.SPACE: (ADMIN, OFFERS),
    Kind.RULE: (ADMIN,),
    Kind.TYPOLOGY: (ADMIN,),
    Kind.FILTER: (ADMIN, OFFERS),
    Kind.CATEGORY: (ADMIN, OFFERS),
    Kind.TEMPLATE: (ADMIN, OFFERS),
    Kind.OFFER: (ADMIN, OFFERS),
    Kind.CASES: (ADMIN, OFFERS),
    Kind.POLICY: (ADMIN,),
}
"""Who writes what in design."""

ALL = [(kind, profile) for kind in Kind for profile in PROFILES]


def address(kind: Kind) -> tuple[str, str]:
    if kind in SHARED_KINDS:
        return f"{kind}.x", "shared"
    return (f"{kind}.shop" if kind is Kind.ENVIRONMENT else f"shop/{kind}.x"), "shop"


def plan(plan_kind: PlanKind, kind: Kind, side: str, action: Action = Action.UPDATE) -> Plan:
    place, environment = address(kind)
    before = None if action is Action.CREATE else Entry("1")
    after = None if action is Action.DELETE else Entry("2")
    return Plan(
        plan_kind, "p", "1", steps=(Step(place, f"{environment}@{side}", action, Reason.CHANGED, before, after),)
    )


def refused(profile: Profile, made: Plan, promoters: dict[str, tuple[str, ...]] | None = None) -> list[str]:
    found = plan_refusals(Actor("somebody", profile), made, promoters or {})
    assert all(d.code == Code.NOT_ALLOWED for d in found)
    return [" ".join((d.summary, d.detail, d.hint)) for d in found]


@pytest.mark.parametrize(
    ("before", "after", "reserved"),
    [
        ({"dimension": "person"}, {"dimension": "person", "time_zone": "Asia/Tokyo"}, ""),
        ({"dimension": "person"}, {"dimension": "vip"}, "dimension"),
        ({"dimension": "person"}, {"dimension": "vip", "contacts": {"readers": ["x"]}}, "contacts and dimension"),
        (None, {"dimension": "vip"}, ""),
        ({"dimension": "person"}, None, ""),
        ({"dimension": "person", "contacts": {"readers": ["x"]}}, None, "contacts"),
    ],
)
def test_what_only_administrators_change_of_an_environment(
    before: dict[str, Any] | None, after: dict[str, Any] | None, reserved: str
) -> None:
    """Who may write environments gives themselves no rights by it, such as to the contacts of another dimension."""
    replaced = {"1": Body(Kind.ENVIRONMENT, json.dumps(before))} if before else {}
    made = {"2": Body(Kind.ENVIRONMENT, json.dumps(after))} if after else {}
    step = Step(
        "environment.shop", "shop@design", Action.UPDATE, Reason.CHANGED,
        Entry("1") if before else None, Entry("2") if after else None,
    )  # fmt: skip
    changing = Plan(PlanKind.APPLY, "p", "1", steps=(step,), bodies=made)
    found = reserved_refusals(Actor("somebody", "designer"), changing, replaced)
    assert [d.code for d in found] == [Code.RESERVED_PROPERTIES] * bool(reserved)
    assert all(f"is not allowed to change {reserved} of environment.shop" in d.summary for d in found)
    assert reserved_refusals(Actor("ada", ADMIN), changing, replaced) == []


@pytest.mark.parametrize("action", [Action.CREATE, Action.UPDATE, Action.DELETE])
@pytest.mark.parametrize(("kind", "profile"), [pair for pair in ALL if pair[0] is not Kind.CAMPAIGN])
def test_writing_in_design(kind: Kind, profile: Profile, action: Action) -> None:
    told = refused(profile, plan(PlanKind.APPLY, kind, "design", action))
    assert (not told) == (profile in DESIGN[kind])
    if told:
        assert len(told) == 1
        assert f"({profile}) is not allowed to change" in told[0]
        assert all(writer in told[0] for writer in DESIGN[kind])


@pytest.mark.parametrize("profile", PROFILES)
def test_campaigns_are_written_in_live(profile: Profile) -> None:
    told = refused(profile, plan(PlanKind.APPLY, Kind.CAMPAIGN, "live"))
    assert (not told) == (profile in (ADMIN, DELIVERIES))


@pytest.mark.parametrize(("kind", "profile"), ALL)
def test_promoting(kind: Kind, profile: Profile) -> None:
    told = refused(profile, plan(PlanKind.PROMOTE, kind, "live"))
    if kind is Kind.CAMPAIGN:  # released by a promotion: both rights are needed
        assert (not told) == (profile == ADMIN)
    else:
        assert (not told) == (profile in (ADMIN, OFFERS))


@pytest.mark.parametrize("profile", PROFILES)
def test_rolling_back_and_purging_live(profile: Profile) -> None:
    assert (not refused(profile, plan(PlanKind.ROLLBACK, Kind.OFFER, "live"))) == (profile in (ADMIN, OFFERS))
    assert (not refused(profile, plan(PlanKind.ROLLBACK, Kind.RULE, "live"))) == (profile in (ADMIN, OFFERS))
    assert (not refused(profile, plan(PlanKind.PURGE, Kind.OFFER, "live", Action.DELETE))) == (profile == ADMIN)


@pytest.mark.parametrize(("kind", "profile"), [pair for pair in ALL if pair[0] is not Kind.CAMPAIGN])
def test_rolling_back_design_needs_the_right_to_write_it(kind: Kind, profile: Profile) -> None:
    assert (not refused(profile, plan(PlanKind.ROLLBACK, kind, "design"))) == (profile in DESIGN[kind])


@pytest.mark.parametrize("kind", [PlanKind.PROMOTE, PlanKind.ROLLBACK])
def test_named_promoters_are_the_only_ones(kind: PlanKind) -> None:
    made = plan(kind, Kind.OFFER, "live")
    assert plan_refusals(Actor("dora", DELIVERIES), made, {"shop": ("dora",)}) == []
    told = refused(ADMIN, made, {"shop": ("dora", "omar")})
    assert len(told) == 1
    assert "Only dora or omar may do so." in told[0]
    assert refused(ADMIN, made, {"guests": ("dora",)}) == []


def test_named_promoters_do_not_purge() -> None:
    made = plan(PlanKind.PURGE, Kind.OFFER, "live", Action.DELETE)
    assert refused(DELIVERIES, made, {"shop": ("somebody",)})
    assert refused(ADMIN, made, {"shop": ("dora",)}) == []


def test_before_there_are_operators_anyone_may() -> None:
    for kind in Kind:
        assert plan_refusals(Actor("root", None), plan(PlanKind.APPLY, kind, "design"), {}) == []


def test_one_refusal_for_each_kind_with_a_count() -> None:
    steps = tuple(
        Step(f"shop/{kind}.{name}", "shop@design", Action.CREATE, Reason.DECLARED, None, Entry("1"))
        for kind in ("rule", "offer")
        for name in ("a", "b", "c")
    )
    told = refused(DELIVERIES, Plan(PlanKind.APPLY, "p", "1", steps=steps))
    assert len(told) == 2
    assert any("shop/rule.a and 2 more" in text for text in told)


@pytest.mark.parametrize("profile", PROFILES)
def test_approving(profile: Profile) -> None:
    assert may_approve(Actor("x", profile), (), "shop") == (profile in (ADMIN, OFFERS))
    assert may_approve(Actor("x", profile), ("x", "y"), "shop")
    assert not may_approve(Actor("x", profile), ("y",), "shop")


def test_who_can_approve() -> None:
    assert approvers(("x",), BUILT_IN, "shop") == ("x",)
    assert approvers((), BUILT_IN, "shop") == (OFFERS, ADMIN)


@pytest.mark.parametrize(
    ("scopes", "automation", "told"),
    [
        (("relay",), True, []),
        (("relay", "read"), True, []),
        (("apply", "promote"), False, []),
        (
            ("relay", "apply", "all"),
            True,
            ["the scope relay cannot be combined with all or apply"],
        ),
        (("relay",), False, ["only an automation can have a token with the scope relay"]),
    ],
)
def test_relay_stands_alone_and_is_for_automations(scopes: tuple[str, ...], automation: bool, told: list[str]) -> None:
    assert [found.summary for found in token_scope_errors(scopes, automation)] == told
    assert TokenScope.RELAY not in scopes_of("all"), (
        "neither tokens that there are, nor new ones, speak for others unsaid"
    )


LIMITED = Profiles(
    {
        "keeper": {
            "rights": [{"verb": "promote", "environments": ["shop"]}, {"verb": "stop", "environments": ["shop"]}]
        },
        "designer": {"extends": "offer-manager", "rights": [{"verb": "write", "kinds": ["rule"]}]},
        "administrator": {"rights": []},
    }
)


def test_declared_profiles() -> None:
    """What they grant, where they grant it; a built-in name cannot be taken."""
    keeper, designer = (Actor(name, name, profiles=LIMITED) for name in ("keeper", "designer"))
    assert keeper.may(Verb.PROMOTE, "shop") and not keeper.may(Verb.PROMOTE, "guests") and not keeper.may(Verb.PROMOTE)
    assert not any(keeper.may(verb, "shop") for verb in set(Verb) - {Verb.PROMOTE, Verb.STOP, Verb.WRITE})
    assert designer.may(Verb.WRITE, "guests", Kind.RULE) and designer.may(Verb.WRITE, "shop", Kind.OFFER)
    assert not designer.may(Verb.WRITE, "shop", Kind.TYPOLOGY) and not designer.may(Verb.WRITE, "shared", Kind.PROFILE)
    assert Actor("ada", ADMIN, profiles=LIMITED).may(Verb.PURGE, "shop")
    assert not Actor("x", "gone", profiles=LIMITED).may(Verb.READ, "shop")
    assert may_approve(designer, (), "shop") and not may_approve(keeper, (), "shop")
    assert approvers((), LIMITED, "shop") == (OFFERS, ADMIN, "designer")
    assert LIMITED.allowing(right_to(Verb.STOP, "shop")) == (ADMIN, OFFERS, "designer", "keeper")


def test_a_promoter_of_one_environment_takes_nothing_live_that_all_share() -> None:
    made = plan(PlanKind.PROMOTE, Kind.OFFER, "live")
    keeper = Actor("keeper", "keeper", profiles=LIMITED)
    assert plan_refusals(keeper, made, {}) == []
    shared = Step("dimension.x", "shared@live", Action.UPDATE, Reason.CHANGED, Entry("1"), Entry("2"))
    (found,) = plan_refusals(keeper, replace(made, steps=(*made.steps, shared)), {})
    assert "shared@live" in found.summary
    assert plan_refusals(Actor("omar", OFFERS), replace(made, steps=(*made.steps, shared)), {}) == []


def test_a_declared_profile_can_grant_every_verb() -> None:
    for verb in Verb:
        kinds = ["offer"] if verb is Verb.WRITE else []
        right = ProfileRight.model_validate({"verb": verb.value, "kinds": kinds})
        known = Profiles({"own": {"rights": [right.model_dump()]}})
        assert known.allow("own", right_to(verb, "shop", Kind.OFFER if kinds else None))
