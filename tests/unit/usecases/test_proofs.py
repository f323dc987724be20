"""What a plan's changes of rules mean for every contact there can be: who is told about, in what words, when nobody knows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from helpers.workspace import Workspace

from offerkit.diagnostics import Code, Refused
from offerkit.plans.plan import Plan
from offerkit.prove import solver
from offerkit.prove.proofs import ProvedAbout, ProvedChange
from offerkit.prove.result import Existence, Verdict
from offerkit.reports.proof_words import StatedChange, stated
from offerkit.usecases import proofs
from offerkit.usecases.proof_answers import EnvironmentProver
from offerkit.usecases.proofs import proofs_of_plan
from offerkit.usecases.requests import ProofRequest

SHARED, CATALOG, OFFERS, SPACES, ENVIRONMENT = (
    "specs/shared.yaml", "specs/shop/catalog.yaml", "specs/shop/offers.yaml", "specs/shop/spaces.yaml",
    "environments/shop.yaml",
)  # fmt: skip
AT = "2026-11-29T12:00"


def changes(workspace: Workspace, plan: Plan | None = None, **asked: Any) -> tuple[ProvedChange, ...]:
    """What is proved of the plan of the specs, on 29 November 2026."""
    session = workspace.session("ada")
    request = ProofRequest(session.now, **{"at": AT, **asked})
    return proofs_of_plan(session, plan or workspace.plan(), request).changes


def told(workspace: Workspace, plan: Plan | None = None, **asked: Any) -> list[StatedChange]:
    """The same in words."""
    session = workspace.session("ada")
    request = ProofRequest(session.now, **{"at": AT, **asked})
    return list(stated(proofs_of_plan(session, plan or workspace.plan(), request)).changes)


def subjects(change: ProvedChange) -> tuple[list[str], dict[str, tuple[str, ...]]]:
    """The conditions and the offers, with their spaces, that an answer is about."""
    conditions = [f"{condition.address} {condition.path}" for condition in change.conditions]
    return conditions, {offer.address.name: offer.spaces for offer in change.offers}


def verdicts(change: ProvedChange) -> tuple[Verdict, Verdict]:
    return change.comparison.now.verdict, change.comparison.later.verdict


@pytest.fixture
def applied(shop: Workspace) -> Workspace:
    """The shop in design."""
    shop.apply("ada")
    return shop


def test_a_filter_far_away_is_told_of_each_offer_that_uses_it(applied: Workspace) -> None:
    applied.change({CATALOG: {"filters": {"adults": {"when": "person.age > 18"}}}})
    (change,) = changes(applied)
    assert subjects(change) == (["shop/filter.adults when"], {"gold-card": ("mail", "web")})
    assert verdicts(change) == (Verdict.FEWER, Verdict.FEWER)
    (words,) = told(applied)
    assert words.sentences[0] == "Nobody becomes eligible."
    assert words.sentences[1].startswith("Some stop being eligible")
    assert "age 18" in words.sentences[1]
    assert "(invented)" in words.sentences[1]


def test_a_change_that_changes_nobody_is_the_same(applied: Workspace) -> None:
    applied.change({CATALOG: {"filters": {"adults": {"when": "not (person.age < 18)"}}}})
    (change,) = changes(applied)
    assert verdicts(change) == (Verdict.SAME, Verdict.SAME)
    assert told(applied)[0].sentences == ("The same contacts are eligible as before.",)


HISTORY = {"theme": "ski", "at_most": 5, "period": "10d", "status": "rejected"}


@pytest.mark.parametrize(
    ("edit", "verdict"),
    [
        ({"period": "20d"}, Verdict.FEWER),
        ({"period": "5d"}, Verdict.MORE),
        ({"status": "any"}, Verdict.FEWER),
        ({"status": "accepted-or-rejected", "period": "30d"}, Verdict.FEWER),
        ({"theme": None, "category": "travel"}, Verdict.BOTH),
        ({"at_most": 4}, Verdict.FEWER),
        ({"at_most": 6, "period": "20d"}, Verdict.BOTH),
    ],
)
def test_a_history_counts_no_more_than_a_wider_one(applied: Workspace, edit: dict[str, Any], verdict: Verdict) -> None:
    """And never less than nothing."""
    offers = {"safari": {"themes": ["ski"], "eligible": {"history": [HISTORY]}}}
    applied.change({OFFERS: {"offers": offers}})
    applied.apply("ada")
    history = {name: value for name, value in (HISTORY | edit).items() if value is not None}
    applied.change({OFFERS: {"offers": {"safari": {"eligible": {"history": [history]}}}}})
    (change,) = changes(applied)
    assert verdicts(change) == (verdict, verdict)
    for direction in (change.comparison.now.gained, change.comparison.now.lost):
        counts = direction.witness.values.values() if direction.witness is not None else ()
        assert all(not isinstance(count, int) or count >= 0 for count in counts)


def test_the_category_above_counts_no_less(applied: Workspace) -> None:
    counts = {"at_most": 0, "period": "10d", "category": "travel/africa"}
    applied.change({CATALOG: {"categories": {"travel/africa": {"label": "Africa"}}}})
    applied.change({OFFERS: {"offers": {"safari": {"eligible": {"history": [counts]}}}}})
    applied.apply("ada")
    applied.change({OFFERS: {"offers": {"safari": {"eligible": {"history": [counts | {"category": "travel"}]}}}}})
    (change,) = changes(applied)
    assert verdicts(change) == (Verdict.FEWER, Verdict.FEWER)


def test_a_counted_theme_of_other_offers_is_another_number(applied: Workspace) -> None:
    applied.change({OFFERS: {"offers": {"safari": {"themes": ["ski"], "eligible": {"history": [HISTORY]}}}}})
    applied.apply("ada")
    applied.change(
        {OFFERS: {"offers": {"gold-card": {"themes": ["ski"]}, "safari": {"eligible": {"when": "person.age > 3"}}}}}
    )
    about = [change for change in changes(applied) if change.offers]
    assert [verdicts(change) for change in about] == [(Verdict.NOT_DECIDED, Verdict.NOT_DECIDED)]
    assert "other offers have theme ski afterwards, whose propositions are counted" in str(about)


def test_unknown_is_not_different(applied: Workspace) -> None:
    """The contact without a country."""
    applied.change({OFFERS: {"offers": {"safari": {"eligible": {"when": "person.country <> 'FR'"}}}}})
    applied.apply("ada")
    applied.change(
        {OFFERS: {"offers": {"safari": {"eligible": {"when": "not coalesce(person.country = 'FR', false)"}}}}}
    )
    (change,) = changes(applied)
    assert verdicts(change) == (Verdict.MORE, Verdict.MORE)
    witness = change.comparison.now.gained.witness
    assert witness is not None
    assert witness.values["person", "country"] is None


def test_a_widening_that_begins_later_shows(applied: Workspace) -> None:
    applied.change({OFFERS: {"offers": {"safari": {"eligible": {"when": "person.age >= 18"}}}}})
    applied.apply("ada")
    later = "person.age >= 21 or current_date > date '2026-12-01'"
    applied.change({OFFERS: {"offers": {"safari": {"eligible": {"when": later}}}}})
    (change,) = changes(applied)
    assert verdicts(change) == (Verdict.FEWER, Verdict.BOTH)
    (words,) = told(applied)
    assert words.verdict == "fewer now, both later"
    text = " ".join(words.sentences)
    assert "At this moment (2026-11-29 12:00), nobody becomes eligible." in text
    assert "At some moment from then on, more become eligible, for example on 2026-12-" in text
    assert "2026-12-01" not in text
    assert [verdicts(change) for change in changes(applied, at="2026-12-02")] == [
        (Verdict.EVERYBODY, Verdict.EVERYBODY)
    ]


@pytest.mark.parametrize(
    ("patch", "verdict", "offers"),
    [
        ({OFFERS: {"offers": {"saver": {"weights": [{"weight": 0}]}}}}, Verdict.NOBODY, {"saver"}),
        ({OFFERS: {"offers": {"saver": {"weights": [{"weight": 3}]}}}}, None, set()),
        ({OFFERS: {"offers": {"saver": {"enabled": False}}}}, Verdict.NOBODY, {"saver"}),
        ({CATALOG: {"categories": {"bank": {"enabled": False}}}}, Verdict.NOBODY, {"saver", "gold-card"}),
        ({CATALOG: {"categories": {"bank": {"eligible": {"until": "2026-01-01"}}}}}, Verdict.NOBODY, {"saver", "gold-card"}),
        ({CATALOG: {"categories": {"bank": {"eligible": {"until": "2099-01-01"}}}}}, None, set()),
        ({CATALOG: {"categories": {"bank": {"multiplier": {"factor": 0}}}}}, Verdict.NOBODY, {"saver", "gold-card"}),
        ({CATALOG: {"categories": {"bank": {"multiplier": {"factor": 2}}}}}, None, set()),
        ({ENVIRONMENT: {"environment": {"when": "person.country = 'FR'"}}}, Verdict.FEWER, {"saver", "gold-card", "safari"}),
        ({CATALOG: {"templates": {"plain": {"eligible": {"until": "2025-01-01"}}}}}, Verdict.NOBODY, {"gold-card"}),
        ({OFFERS: {"offers": {"saver": {"label": "Save now"}}}}, None, set()),
        ({OFFERS: {"offers": {"saver": {"weights": [{"formula": "person.age - 40"}]}}}}, Verdict.FEWER, {"saver"}),
    ],
)  # fmt: skip
def test_every_part_of_an_effective_condition_counts(
    applied: Workspace, patch: dict[str, Any], verdict: Verdict | None, offers: set[str]
) -> None:
    applied.change(patch)
    proved = [change for change in changes(applied) if change.offers]
    assert {name for change in proved for name in subjects(change)[1]} == offers or verdict is None
    expected = {verdict} if verdict is not None else set()
    assert {change.comparison.now.verdict for change in proved} - {Verdict.SAME} == expected - {Verdict.SAME}


def test_a_rule_that_applies_to_more_is_not_more_offers(applied: Workspace) -> None:
    applied.change({CATALOG: {"rules": {"weekly": {"contacts": "person.age >= 18"}}}})
    applied.apply("ada")
    applied.change({CATALOG: {"rules": {"weekly": {"contacts": "person.age >= 16"}}}})
    (change,) = changes(applied)
    assert change.about is ProvedAbout.LIMITED
    assert subjects(change) == (["shop/rule.weekly contacts"], {})
    text = " ".join(told(applied)[0].sentences)
    assert text.startswith("The rule applies to more")
    assert "eligible" not in text


def test_renames_are_followed(applied: Workspace) -> None:
    applied.change({
        CATALOG: {"filters": {"adults": None, "grown": {"when": "person.age >= 21"}}, "moved": {"shop/filter.adults": "shop/filter.grown"}},
        OFFERS: {
            "offers": {"gold-card": None, "gold": {**applied.files[OFFERS]["offers"]["gold-card"], "eligible": {"filters": ["grown"]}}},
            "moved": {"shop/offer.gold-card": "shop/offer.gold"},
        },
    })  # fmt: skip
    plan = applied.plan()
    assert {step.moved_from for step in plan.steps} - {""}, "these are renames"
    (change,) = changes(applied, plan)
    assert subjects(change) == (["shop/filter.grown when"], {"gold": ("mail", "web")})
    assert verdicts(change) == (Verdict.FEWER, Verdict.FEWER)


def test_what_is_new_is_not_compared(applied: Workspace) -> None:
    applied.change({OFFERS: {"offers": {"new": {"category": "travel", "content": {"title": "New"}}}}})
    assert changes(applied) == ()


def test_a_promotion_speaks_of_live(shop: Workspace) -> None:
    shop.go_live()
    shop.change({OFFERS: {"offers": {"safari": {"eligible": {"when": "person.age >= 21"}}}}})
    shop.apply("ada")
    shop.approve_all()
    (change,) = changes(shop, shop.promotion("ada"))
    assert subjects(change) == (["shop/offer.safari eligible.when"], {"safari": ("web",)})
    assert change.comparison.now.verdict is Verdict.FEWER


def test_a_field_that_changes_its_values_is_declared_alike_in_both(applied: Workspace) -> None:
    fields = {"tier": {"type": "enumeration", "values": ["gold", "silver"]}}
    applied.change({SHARED: {"dimensions": {"person": {"fields": fields}}}})
    applied.change({OFFERS: {"offers": {"safari": {"eligible": {"when": "person.tier = 'gold'"}}}}})
    applied.apply("ada")
    fields["tier"]["values"] = ["gold", "platinum", "silver"]
    applied.change({SHARED: {"dimensions": {"person": {"fields": fields}}}})
    assert changes(applied) == (), "the rule still means the same"
    applied.change({OFFERS: {"offers": {"safari": {"eligible": {"when": "person.tier <> 'silver'"}}}}})
    (change,) = changes(applied)
    assert change.comparison.now.verdict is Verdict.MORE


def test_a_field_that_changes_its_type_is_not_decided(applied: Workspace) -> None:
    applied.change({OFFERS: {"offers": {"safari": {"eligible": {"when": "person.country = 'FR'"}}}}})
    applied.apply("ada")
    applied.change({
        SHARED: {"dimensions": {"person": {"fields": {"country": {"type": "integer"}}}}},
        OFFERS: {"offers": {"safari": {"eligible": {"when": "person.country = 33"}}}},
    })  # fmt: skip
    (change,) = changes(applied)
    assert change.comparison.now.verdict is Verdict.NOT_DECIDED
    assert "declared differently" in change.comparison.now.why


def test_where_an_offer_states_no_condition_any_more_that_of_its_template_applies(applied: Workspace) -> None:
    template = {CATALOG: {"templates": {"strict": {"eligible": {"when": "person.age >= 21"}}}}}
    applied.change(template)
    applied.change({OFFERS: {"offers": {"safari": {"template": "strict", "eligible": {"when": "person.age >= 18"}}}}})
    applied.apply("ada")
    applied.change({OFFERS: {"offers": {"safari": {"eligible": {"when": None}}}}})
    found = changes(applied)
    assert {change.comparison.now.verdict for change in found} == {Verdict.FEWER}
    assert ["shop/offer.safari eligible.when"] in [subjects(change)[0] for change in found]


def test_a_weight_whose_value_goes_with_it_is_not_decided(applied: Workspace) -> None:
    tier = {"type": "enumeration", "values": ["gold", "silver"]}
    weights = [{"weight": 5, "when": "person.tier = 'gold'"}, {"weight": 7, "when": "person.tier = 'silver'"}]
    applied.change({
        SHARED: {"dimensions": {"person": {"fields": {"tier": tier}}}},
        OFFERS: {"offers": {"safari": {"weights": weights}}},
    })  # fmt: skip
    applied.apply("ada")
    applied.change({
        SHARED: {"dimensions": {"person": {"fields": {"tier": {**tier, "values": ["gold"]}}}}},
        OFFERS: {"offers": {"safari": {"weights": weights[:1]}}},
    })  # fmt: skip
    (change,) = changes(applied)
    assert "safari" in subjects(change)[1]
    assert "declared differently" in change.comparison.now.why, "read with the new values, the old weight never holds"


def test_a_field_that_changes_its_type_is_not_decided_where_the_rule_stays_as_it_is(applied: Workspace) -> None:
    applied.change({OFFERS: {"offers": {"safari": {"eligible": {"when": "person.age > 3"}}}}})
    applied.apply("ada")
    applied.change({SHARED: {"dimensions": {"person": {"fields": {"age": {"type": "decimal"}}}}}})
    (change,) = changes(applied)
    assert "safari" in subjects(change)[1]
    assert change.comparison.now.why == "person.age has another type afterwards"


def test_another_time_zone_is_told_where_no_rule_changes(applied: Workspace) -> None:
    applied.change({ENVIRONMENT: {"environment": {"time_zone": "Pacific/Auckland"}}})
    session = applied.session("ada")
    proofs_told = proofs_of_plan(session, applied.plan(), ProofRequest(session.now, at=AT))
    assert not proofs_told.changes
    ((environment, note),) = proofs_told.notes
    assert environment == "shop"
    assert "to Pacific/Auckland" in note


def test_a_parameter_that_changes_its_type_is_not_decided_for_the_filter_alone(applied: Workspace) -> None:
    older = {"when": "person.age > parameter.age", "parameters": {"age": {"type": "integer", "default": "30"}}}
    applied.change({CATALOG: {"filters": {"older": older}}})
    applied.change({OFFERS: {"offers": {"safari": {"eligible": {"filters": ["older"]}}}}})
    applied.apply("ada")
    changed = {"when": "person.age >= parameter.age", "parameters": {"age": {"type": "decimal", "default": "30.5"}}}
    applied.change({CATALOG: {"filters": {"older": changed}}})
    by_subject = {bool(change.offers): change for change in changes(applied)}
    assert by_subject[False].comparison.now.why == "parameter.age has another type afterwards"
    assert by_subject[True].comparison.now.verdict is Verdict.FEWER, "a whole number can be too large for a decimal"


def test_questions_that_differ_in_the_same_part_are_answered_by_it(applied: Workspace) -> None:
    """After the time is over, what nobody gains by the part is still known of every offer."""
    offers = {
        f"o{number}": {"category": "travel", "content": {"title": "x"}, "eligible": {"when": f"person.id > {number}"}}
        for number in range(20)
    }
    applied.change({OFFERS: {"offers": offers}})
    applied.apply("ada")
    applied.change({CATALOG: {"categories": {"travel": {"eligible": {"when": "person.age >= 18"}}}}})
    every = changes(applied)
    assert {change.comparison.now.verdict for change in every} == {Verdict.FEWER}
    late = changes(applied, seconds=0.0)
    assert {change.comparison.now.verdict for change in late} == {Verdict.NOT_DECIDED}
    assert "proofs took longer than 0 s altogether" in {change.comparison.now.why for change in late}
    session = applied.session()
    part = EnvironmentProver.answer
    asked = []

    def once(self: Any, question: Any, why: str = "") -> Any:
        asked.append(question)
        return part(self, question, why or ("no time" if len(asked) > 2 else ""))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(EnvironmentProver, "answer", once)
        found = proofs_of_plan(session, applied.plan(), ProofRequest(session.now)).changes
    left = [change for change in found if change.comparison.now.verdict is Verdict.NOT_DECIDED]
    assert {change.comparison.now.gained.answer for change in left} == {Existence.NONE}
    assert sum(len(change.offers) for change in left) >= 18


def test_a_part_that_means_the_same_is_asked_about_once(applied: Workspace) -> None:
    offers = {
        f"o{number}": {"category": "travel", "content": {"title": "x"}, "eligible": {"when": f"person.id > {number}"}}
        for number in range(20)
    }
    applied.change(
        {OFFERS: {"offers": offers}, CATALOG: {"categories": {"travel": {"eligible": {"when": "person.age >= 18"}}}}}
    )
    applied.apply("ada")
    applied.change({CATALOG: {"categories": {"travel": {"eligible": {"when": "not (person.age < 18)"}}}}})
    (change,) = changes(applied)
    assert change.comparison.now.verdict is Verdict.SAME
    assert len(change.offers) == 21


def test_the_moment_is_one_or_refused(applied: Workspace) -> None:
    applied.change({CATALOG: {"filters": {"adults": {"when": "person.age > 18"}}}})
    with pytest.raises(Refused) as refused:
        changes(applied, at="someday")
    assert refused.value.diagnostics[0].code is Code.BAD_POINT


def test_without_the_solver_one_line_says_what_is_missing(applied: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proofs, "solver_path", lambda: None)
    session = applied.session()

    def missing() -> str:
        found = proofs_of_plan(session, applied.plan(), ProofRequest(session.now))
        assert found.changes == ()
        return found.missing

    applied.change({OFFERS: {"offers": {"saver": {"label": "Save now"}}}})
    assert missing() == "", "nothing would be shown"
    applied.change({CATALOG: {"filters": {"adults": {"when": "person.age > 18"}}}})
    assert "offerkit[prove]" in missing()


def program(path: Path, text: str) -> Path:
    """A program in the place of the solver."""
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("exit 1", "the solver"),
        ("kill -9 $$", "the solver"),
        ('echo "(:version \\"4.2.0\\")"; echo offerkit-end; sleep 60', "4.2"),
        ("cat > /dev/null", "the solver"),
    ],
    ids=["ends", "killed", "other-version", "silent"],
)
def test_a_solver_that_fails_leaves_the_plan_as_it_is(
    applied: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, why: str
) -> None:
    applied.change({CATALOG: {"filters": {"adults": {"when": "person.age > 18"}}}})
    fake = program(tmp_path / "z3", text)
    monkeypatch.setattr(solver, "solver_path", lambda: fake)
    monkeypatch.setattr(solver.Limits, "__init__", _short(solver.Limits.__init__))
    (change,) = changes(applied)
    assert change.comparison.now.verdict is Verdict.NOT_DECIDED
    assert why in change.comparison.now.why
    assert "not decided" in told(applied)[0].sentences[0]


def _short(init: Any) -> Any:
    def limits(self: Any, *args: Any, **named: Any) -> None:
        init(self, *args, **{"question_seconds": 0.3, **named})

    return limits


def test_the_longest_rule_is_answered(applied: Workspace) -> None:
    """An expression has at most 2,000 words and signs."""
    numbers = [str(number) for number in range(990)]
    applied.change({OFFERS: {"offers": {"safari": {"eligible": {"when": f"person.age in ({','.join(numbers)})"}}}}})
    applied.apply("ada")
    applied.change({OFFERS: {"offers": {"safari": {"eligible": {"when": f"person.age in ({','.join(numbers[1:])})"}}}}})
    (change,) = changes(applied, seconds=300.0)
    assert change.comparison.now.gained.answer is not Existence.SOME
    assert change.comparison.now.verdict is Verdict.FEWER or change.comparison.now.why
