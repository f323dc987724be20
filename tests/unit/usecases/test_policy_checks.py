"""What policies see of offers and other kinds, and what is said and recorded of what they deny."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from helpers.files import TESTS
from helpers.workspace import Workspace

from offerkit.diagnostics import Code, Diagnostic, Refused, Severity
from offerkit.fingerprint import canonical
from offerkit.governance.approvals import Decision
from offerkit.governance.overrides import OverrideKind
from offerkit.models.policy import MAX_POLICIES
from offerkit.models.policy_names import ACTIONS, OFFER_NAMES, RESOURCE_NAMES, STEP_NAMES
from offerkit.plans.plan import Plan, decode, encode, envelope
from offerkit.plans.plan_schema import plan_schema
from offerkit.usecases.override import override
from offerkit.usecases.policy_checks import check_declared
from offerkit.usecases.requests import OverrideRequest

FILE, OFFERS, CATALOG, ENVIRONMENT = (
    "specs/shop/policies.yaml", "specs/shop/offers.yaml", "specs/shop/catalog.yaml", "environments/shop.yaml",
)  # fmt: skip


def ruled(shop: Workspace, **policies: Any) -> None:
    """Declare policies; a text is the condition of one that denies."""
    bodies = {
        name.replace("_", "-"): {"require": body, "message": "No."} if isinstance(body, str) else body
        for name, body in policies.items()
    }
    shop.change({FILE: {"version": 1, "policies": bodies}})


def told(shop: Workspace) -> list[Diagnostic]:
    """What validating says of policies."""
    session = shop.session()
    return check_declared(session, session.load())


def refused(shop: Workspace, who: str = "ada") -> tuple[Diagnostic, ...]:
    """What applying is refused with."""
    with pytest.raises(Refused) as caught:
        shop.apply(who)
    return caught.value.diagnostics


def lift(shop: Workspace, who: str, pattern: str = "*/offer.*") -> None:
    override(shop.session(who), OverrideRequest((pattern,), "it is fine", (OverrideKind.POLICIES,)))


HOLDS = [
    "offer.name in ('gold-card', 'saver', 'safari')",
    "offer.code = offer.name",
    "offer.category <> 'bank/cards' or offer.label = 'Gold card'",
    "offer.template is null or offer.template = 'plain'",
    "offer.enabled and not offer.protected",
    "(offer.name = 'safari') = (offer.until is null)",
    "offer.name = 'safari' or offer.until = date '2026-05-31'",
    "offer.name <> 'gold-card' or offer.from = date '2026-02-01'",
    "offer.name = 'safari' or contains(offer.themes, 'money')",
    "offer.name <> 'gold-card' or contains(offer.filters, 'adults')",
    "contains(offer.spaces, 'web') and (offer.name = 'safari' or contains(offer.spaces, 'mail'))",
    "contains(offer.content, 'title')",
    "offer.weight = case offer.name when 'gold-card' then 10 when 'safari' then 5 else 1 end",
    "offer.multiplier = case when offer.name = 'safari' then 1 else 1.5 end",
    "offer.name <> 'gold-card' or (contains(offer.content_reviewers, 'brand') and length(offer.eligibility_reviewers) = 1)",
    "(offer.name = 'safari') = (offer.when is null)",
    "offer.name <> 'gold-card' or contains(offer.when, 'age > 20')",
    "resource.kind = 'offer' and starts_with(resource.address, 'shop/offer.') and not resource.protected",
]


def test_conditions_see_what_counts_of_an_offer(shop: Workspace) -> None:
    """With what its template and its categories hand down; each condition holds, and its negation does not."""
    shop.change({
        CATALOG: {
            "categories": {
                "bank": {"eligible": {"until": "2026-05-31", "when": "person.age > 20"}, "multiplier": {"factor": "1.5"}},
                "bank/cards": {"eligible": {"until": "2026-12-31"}},
            },
            "templates": {"plain": {"eligible": {"from": "2026-02-01"}}},
        },
    })  # fmt: skip
    ruled(shop, **{f"p{n}": text for n, text in enumerate(HOLDS)})
    assert told(shop) == []
    ruled(shop, **{f"p{n}": f"not ({text})" for n, text in enumerate(HOLDS)})
    broken = {each.summary.partition(" ")[0] for each in told(shop)}
    assert broken == {f"shop/policy.p{n}" for n in range(len(HOLDS))}


@pytest.mark.parametrize(
    ("applies_to", "condition", "number"),
    [
        (["category"], "category.label <> 'Travel'", 1),
        (["filter"], "filter.when is null", 1),
        (["space"], "space.channel = 'email'", 1),
        (["rule", "typology"], "resource.label <> ''", 2),
        (["environment"], "environment.promotion_separation_of_duties", 1),
        (["policy"], "policy.severity = 'warn'", 1),
        (["template"], "length(template.reviewers_content) = 2", 1),
        (["offer"], "offer.until > current_date", 3),
        (["offer"], "null", 3),
        (["step"], "step.kind = 'policy'", 0),
        (["offer"], "before.category = offer.category", 0),
    ],
)
def test_other_kinds_and_what_is_not_known(shop: Workspace, applies_to: list[str], condition: str, number: int) -> None:
    """What is unknown is denied; a condition about changes says nothing of what is only declared."""
    ruled(shop, p={"applies_to": applies_to, "require": condition, "message": "No."})
    found = told(shop)
    assert len(found) == number
    assert all(each.code is Code.POLICY_DENIED and each.position is not None for each in found)
    if "until" in condition:
        assert all("offer.until is unknown" in each.detail for each in found)


def test_the_page_says_what_is_so(shop: Workspace) -> None:
    """Its example is sound, and it explains every name that an offer and a change have."""
    page = (TESTS.parent / "docs/policies.md").read_text(encoding="utf-8")
    shop.change({FILE: page.partition("```yaml\n")[2].partition("```")[0]})
    assert len(told(shop)) == 3
    assert str(MAX_POLICIES) in page
    for name in (*OFFER_NAMES, *RESOURCE_NAMES, *STEP_NAMES, *ACTIONS):
        assert f"`{name}`" in page, f"explain {name} in docs/policies.md"


def test_a_plan_is_refused_with_the_place_and_who_may_override(shop: Workspace) -> None:
    shop.go_live()
    ruled(shop, light={"require": "offer.weight <= 9", "message": "Too heavy.", "override": ["risk", "omar"]})
    shop.apply("ada")  # what is there is not changed by it
    assert [(each.code, each.severity) for each in told(shop)] == [(Code.POLICY_DENIED, Severity.ERROR)]
    shop.change({OFFERS: {"offers": {"gold-card": {"label": "Gold"}}}})
    (found,) = refused(shop, "omar")
    assert found.code is Code.POLICY_DENIED
    assert (found.address, str(found.position).partition(":")[0]) == ("shop/offer.gold-card", OFFERS)
    assert "Too heavy." in found.summary
    assert "omar or risk" in found.hint
    with pytest.raises(Refused):
        lift(shop, "olga")
    lift(shop, "risk")
    made = shop.plan()
    assert any("was overridden by risk" in note for note in made.notes)
    assert shop.execute("omar", decode(envelope(made), "p")).revision.serial
    # It lifts the same in a promotion, and validating tells of it.
    assert [each.severity for each in told(shop)] == [Severity.WARNING]
    shop.approve_all()
    shop.promote("omar")
    with shop.store() as store:
        (noted,) = store.revisions(action="override")
    assert noted.message == "it is fine"


def test_an_override_by_an_author_lifts_nothing(shop: Workspace) -> None:
    shop.go_live()
    ruled(shop, light={"require": "offer.weight <= 9", "message": "Too heavy.", "override": ["omar"]})
    shop.apply("ada")
    shop.change({OFFERS: {"offers": {"gold-card": {"label": "Gold"}}}})
    lift(shop, "omar")
    assert [each.code for each in refused(shop, "omar")] == [Code.POLICY_DENIED]
    shop.change({OFFERS: {"offers": {"gold-card": {"label": "Golden"}}}})
    assert [each.code for each in refused(shop, "olga")] == [Code.POLICY_DENIED]  # another body than was accepted
    shop.change({OFFERS: {"offers": {"gold-card": {"label": "Gold"}}}})
    assert shop.apply("olga").steps


def test_an_override_does_not_outlive_what_it_was_for(shop: Workspace) -> None:
    """Once live has been without it, the same change needs the word of somebody again."""
    shop.go_live()
    ruled(shop, light={"require": "offer.weight <= 9", "message": "Too heavy.", "override": ["omar"]})
    shop.change({OFFERS: {"offers": {"gold-card": {"weights": [{"weight": 9}]}}}})
    shop.apply("ada")
    shop.approve_all()
    shop.promote("ada")
    for weight in (11, 9):
        shop.change({OFFERS: {"offers": {"gold-card": {"weights": [{"weight": weight}]}}}})
        if weight == 11:
            lift(shop, "omar")
        shop.apply("olga")
        shop.approve_all()
        assert shop.promote("ada").steps
    shop.change({OFFERS: {"offers": {"gold-card": {"weights": [{"weight": 11}]}}}})
    assert [each.code for each in refused(shop, "olga")] == [Code.POLICY_DENIED]


def test_a_policy_that_only_live_has_still_holds(shop: Workspace) -> None:
    """Design has taken it away, and that is not promoted yet."""
    ruled(shop, light="offer.weight <= 10")
    shop.go_live()
    shop.change({FILE: None})
    shop.apply("ada")
    shop.change({OFFERS: {"offers": {"gold-card": {"weights": [{"weight": 11}]}}}})
    assert [each.code for each in refused(shop)] == [Code.POLICY_DENIED]


def test_a_warning_is_a_note_that_no_file_can_leave_out(shop: Workspace) -> None:
    ruled(shop, ends={"require": "offer.until is not null", "message": "It never ends.", "severity": "warn"})
    made = decode(envelope(shop.plan()), "p")
    assert len([note for note in made.notes if "warns of" in note]) == 3
    data = json.loads(encode(made))
    data["notes"] = []
    with pytest.raises(Refused) as caught:
        shop.execute("ada", _read(data))
    assert caught.value.diagnostics[0].code is Code.PLAN_EXPLANATION
    shop.execute("ada", made)


def _read(data: dict[str, Any]) -> Plan:

    from offerkit.fingerprint import digest  # noqa: F401 - the bytes are canonical

    body = canonical(data)
    return decode(b'{"digest":"%s","plan":%s}\n' % (hashlib.sha256(body).hexdigest().encode(), body), "p")


def test_a_promotion_leaves_behind_what_is_denied(shop: Workspace) -> None:
    """The offer by itself; and what would change one that is live."""
    shop.go_live()
    shop.change({
        OFFERS: {"offers": {"saver": {"weights": [{"weight": 70}]}, "safari": {"label": "Safari"}}},
        CATALOG: {"categories": {"bank/cards": {"multiplier": {"factor": "3"}}}},
    })  # fmt: skip
    shop.apply("omar")
    ruled(shop, light="offer.weight * offer.multiplier <= 20")
    shop.apply("ada")
    shop.approve_all()
    made = shop.promotion("ada")
    blocked = {each.address: each for each in made.blocked}
    assert blocked.keys() == {"shop/offer.saver", "shop/category.bank/cards"}
    assert {each.code for each in blocked.values()} == {Code.POLICY_DENIED}
    assert blocked["shop/offer.saver"].who == ("ada", "olga")  # omar wrote it
    assert "it would change shop/offer.gold-card" in blocked["shop/category.bank/cards"].why
    assert {step.address for step in made.steps} >= {"shop/offer.safari", "shop/policy.light"}
    shop.execute("ada", decode(envelope(made), "p"))
    # A withdrawal is held to nothing, and it is not what the policy is about.
    shop.change({OFFERS: {"offers": {"saver": None}}})
    shop.apply("omar")
    assert [step.action for step in shop.promote("ada", "shop/offer.saver").steps] == ["deactivate"]


def test_what_goes_from_design_is_deleted_to_a_policy(shop: Workspace) -> None:
    """Live keeps a deleted offer, deactivated; what is only switched off is not deleted."""
    shop.go_live()
    shop.change({OFFERS: {"offers": {"saver": None, "safari": {"enabled": False}}}})
    shop.apply("omar")
    ruled(shop, stays="step.action <> 'delete'")
    shop.apply("ada")
    shop.approve_all()
    made = shop.promotion("ada")
    assert [each.address for each in made.blocked if each.code == Code.POLICY_DENIED] == ["shop/offer.saver"]
    assert ("shop/offer.safari", "deactivate") in {(step.address, step.action) for step in made.steps}


def test_a_policy_is_a_setting(shop: Workspace) -> None:
    """Where reviewers of settings are named, a change of a policy waits for them; a rollback of live leaves it."""
    shop.change({ENVIRONMENT: {"environment": {"reviewers": {"settings": ["risk"]}}}})
    ruled(shop, light="offer.weight <= 20")
    shop.apply("ada")
    shop.approve_all()
    shop.decide("risk", Decision.APPROVED, "shop/*", "environment.shop", "dimension.*", settings=True)
    shop.promote("ada")
    with shop.store() as store:
        before = max(store.heads().values(), key=lambda head: head.revision).revision
    ruled(shop, light="offer.weight <= 30")
    shop.apply("ada")
    assert [each.address for each in shop.promotion("ada").blocked] == ["shop/policy.light"]
    shop.decide("risk", Decision.APPROVED, "shop/policy.light", settings=True)
    shop.promote("ada")
    assert not shop.rollback_plan("shop@live", before).steps


def test_thousands_of_the_same_are_told_once(shop: Workspace) -> None:
    offers = {f"o{n}": {"category": "bank", "content": {"title": "x", "html": "x"}} for n in range(60)}
    shop.change({OFFERS: {"offers": offers}})
    ruled(shop, ends="offer.until is not null", p={"require": "false", "message": "Freeze.", "severity": "warn"})
    found = refused(shop)
    assert len(found) == 21
    assert any("43 more" in each.summary for each in found)
    shop.change({FILE: {"policies": {"ends": None}}})
    assert {each.severity for each in told(shop)} == {Severity.WARNING}
    assert len(told(shop)) == 21
    notes = shop.plan().notes
    assert len([note for note in notes if "warns of" in note]) == 21


def test_real_plans_of_every_kind_are_what_the_schema_says(shop: Workspace) -> None:
    schema = jsonschema.Draft202012Validator(plan_schema())
    ruled(shop, ends={"require": "offer.until is not null", "message": "It never ends.", "severity": "warn"})
    made = [shop.apply("ada")]
    shop.approve_all()
    made.append(shop.promote("ada"))
    shop.change({OFFERS: {"offers": {"saver": None, "gold-card": {"label": "Gold"}}, "moved": {}}})
    made.append(shop.apply("omar"))
    made.append(shop.promote("ada"))
    made.append(shop.rollback_plan("shop@design", 1))
    shop.later(days=100)
    made.append(shop.purge("ada"))
    assert {plan.kind for plan in made} == {"apply", "promote", "rollback", "purge"}
    for plan in made:
        assert plan.steps
        for text in (encode(plan), envelope(plan)):
            assert list(schema.iter_errors(json.loads(text))) == []
    data = json.loads(encode(made[0]))
    for spoil in ({"kind": "destroy"}, {"steps": [{**data["steps"][0], "action": "drop"}]}, {"more": 1}):
        assert not schema.is_valid({**data, **spoil})
    for path in sorted((TESTS / "roundtrip").glob("plan-*.json")):
        assert schema.is_valid(json.loads(path.read_text(encoding="utf-8"))), path.name


def test_the_example_in_rego_is_true_of_a_real_plan(shop: Workspace, tmp_path: Path) -> None:
    from regopy import Interpreter

    rules = (TESTS.parent / "examples/conftest/offers.rego").read_text(encoding="utf-8")

    def denied(plan: Plan) -> list[str]:
        rego = Interpreter()
        rego.add_module("offers", rules)
        rego.set_input(json.loads(envelope(plan)))
        (answer,) = json.loads(str(rego.query("data.main.deny")))["expressions"]
        return sorted(answer)

    assert denied(shop.plan()) == []
    shop.apply("ada")
    offers = {f"o{n}": {"category": "travel", "content": {"title": "x"}} for n in range(6)}
    shop.change({OFFERS: {"offers": {**offers, "saver": {"weights": [{"weight": 51}]}}}})
    assert denied(shop.apply("ada")) == ["shop/offer.saver weighs more than 50"]
    shop.change({OFFERS: {"offers": dict.fromkeys(offers)}})
    assert denied(shop.plan()) == ["the plan deletes 6 offers at once"]


def test_nothing_goes_live_on_quiet_days(shop: Workspace) -> None:
    """A policy of every step of live, and its clock: what is asked for is asked again when it is applied."""
    quiet = "step.stage = 'design' or step.action in ('deactivate', 'delete') or current_date <> date '2026-01-02'"
    ruled(shop, quiet={"applies_to": ["step"], "require": quiet, "message": "Quiet."})
    shop.apply("ada")
    assert told(shop) == []
    shop.approve_all()
    made = shop.promotion("ada")
    shop.later(days=1)
    with pytest.raises(Refused) as caught:
        shop.execute("ada", made)
    assert {each.code for each in caught.value.diagnostics} == {Code.POLICY_DENIED}
    blocked = shop.promotion("ada")
    assert [step.address for step in blocked.steps] == ["dimension.person"]  # of no environment
    assert len([each for each in blocked.blocked if each.code == Code.POLICY_DENIED]) > 10
    shop.later(days=1)
    assert shop.promote("ada").steps
