"""A plan file is only a file: who may apply it may still not make it say what offerkit would not."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from attacking import Session, broken_if, envelope, variants

Forgery = Callable[[dict[str, Any]], None]


def retired(team: Session) -> str:
    """saver is removed from the specs and from live; the plan that did it."""
    team.edit(offers={"saver": None})
    team.do("omar", "apply --yes", "promote --out plans/p.json", "apply plans/p.json --yes")
    return "plans/p.json"


def as_purge(plan: dict[str, Any], side: str = "after") -> None:
    """A promotion that deactivates saver, as a purge of what it is ``after`` or ``before`` that."""
    (step,) = [step for step in plan["steps"] if step["address"].endswith("offer.saver")]
    step |= {"action": "delete", "reason": "retention-over", "before": step[side], "after": None}
    step |= {"changes": [], "notes": [], "dependents": [], "approvals_reset": []}
    plan |= {"kind": "purge", "base": [], "steps": [step], "bodies": {}}
    plan |= {"blocked": [], "depends": [], "approvals": [], "notes": []}


def actions(team: Session, address: str) -> list[str]:
    """What live's history says was done to an address, newest first; an export leaves out what is deactivated."""
    rows = json.loads(team.do("", f"history recipients@live recipients/{address} --format json"))
    return [row["action"] for row in rows]


def test_purge_before_retention(team: Session) -> None:
    """An administrator purges what was retired a moment ago."""
    path = retired(team)
    team.forge(path, as_purge)
    team.attempt("ada", f"apply {path} --yes")
    broken_if("purge" in actions(team, "offer.saver"), "an offer is purged whose retention is not over")


@pytest.mark.slow
def test_purge_of_what_is_live(team: Session) -> None:
    """The same with an offer that is active."""
    team.edit(offers={"saver": None})
    team.do("omar", "apply --yes", "promote --out plans/p.json")
    team.forge("plans/p.json", lambda plan: as_purge(plan, "before"))
    team.attempt("ada", "apply plans/p.json --yes")
    broken_if(team.live()["offer.saver"] is None, "an offer that is live is purged")


def campaign(offer: str) -> dict[str, Any]:
    """A campaign that names an offer."""
    delivery = {"space": "newsletter", "offers": [offer]}
    return {"label": "Winter", "from": "2000-01-01", "deliveries": {"first": delivery}}


HELLO = {"category": "bank", "content": {"title": "Hello"}, "spaces": ["newsletter"]}


def without_base(plan: dict[str, Any]) -> None:
    """A plan that claims no state of any stage, and to rely on nothing."""
    plan |= {"base": [], "depends": []}


def without_depends(plan: dict[str, Any]) -> None:
    """A plan that claims to rely on nothing."""
    plan |= {"depends": [], "notes": ["checked"]}


@pytest.mark.parametrize("forge", variants([without_base, without_depends], quick=0))
def test_campaign_of_a_retired_offer(team: Session, forge: Forgery) -> None:
    """The offer was live when the plan was made, and is retired by now; an empty base hides that."""
    team.edit(offers={"hello": HELLO})
    team.honestly("omar", "olga")
    team.edit(campaigns={"winter": campaign("hello")})
    team.do("dora", "plan --out plans/p.json")
    team.edit(campaigns=None, offers={"hello": None})
    team.do("omar", "apply --yes", "promote --yes")
    team.forge("plans/p.json", forge)
    team.attempt("dora", "apply plans/p.json --yes")
    broken_if(actions(team, "campaign.winter"), "a campaign is live that names an offer which is not")


@pytest.mark.slow
def test_campaign_of_an_offer_that_never_was(team: Session) -> None:
    """The plan was made against a copy of the store in which the offer is live."""
    real = team.environ.pop("OFFERKIT_STORE", ".offerkit/store.db")
    team.do("", f"store copy {real} .offerkit/copy.db")
    team.environ["OFFERKIT_STORE"] = str(team.root / ".offerkit/copy.db")
    team.edit(offers={"hello": HELLO})
    team.honestly("omar", "olga")
    team.edit(campaigns={"winter": campaign("hello")})
    team.do("dora", "plan --out plans/p.json")
    team.environ["OFFERKIT_STORE"] = str(team.root / real) if real.startswith(".") else real
    team.forge("plans/p.json", without_base)
    team.attempt("dora", "apply plans/p.json --yes")
    broken_if(actions(team, "campaign.winter"), "a campaign is live that names an offer which never was")


TWICE: dict[str, Callable[[str, str], str]] = {
    "plan": lambda shown, held: f'{{"plan":{_plan_of(shown)},{held[1:]}',
    "digest": lambda shown, held: f'{{"digest":{json.loads(shown)["digest"]!r},{held[1:]}'.replace("'", '"', 2),
    "steps": lambda shown, held: held.replace(
        '"steps":', f'"steps":{json.dumps(json.loads(shown)["plan"]["steps"])},"steps":'
    ),
}
"""A key that stands twice, from the text of a plan that may be seen and that of one that is to be carried out."""


def _plan_of(text: str) -> str:
    return json.dumps(json.loads(text)["plan"])


@pytest.mark.parametrize("key", variants(TWICE, quick=1))
def test_key_that_stands_twice(team: Session, key: str) -> None:
    """What the first one says is read by people and their tools; the second one is carried out."""
    team.edit(offers={"saver": {"label": "Saver plus"}})
    team.do("omar", "plan --out plans/shown.json")
    team.edit(offers={"saver": {"weights": [{"weight": 99}]}})
    team.do("omar", "plan --out plans/held.json")
    shown, held = ((team.root / f"plans/{name}.json").read_text() for name in ("shown", "held"))
    both = TWICE[key](shown, held)
    assert json.loads(both) == json.loads(held) and both != held
    team.save("plans/p.json", both)
    team.attempt("omar", "apply plans/p.json --yes")
    broken_if(team.design().weight("saver") == 99, "a plan was carried out that its file did not show first")


@pytest.mark.slow
def test_other_bytes_under_the_same_digest(team: Session) -> None:
    """The file was written anew by another program; its bytes are not those that the digest was made of."""
    team.edit(offers={"saver": {"weights": [{"weight": 99}]}})
    team.do("omar", "plan --out plans/p.json")
    content = json.loads((team.root / "plans/p.json").read_text())
    team.save("plans/p.json", json.dumps(content, indent=2))
    team.attempt("omar", "apply plans/p.json --yes")
    broken_if(team.design().weight("saver") == 99, "a plan was carried out whose bytes are not those of its digest")


def first(plan: dict[str, Any], **changes: Any) -> None:
    """Change the step of saver."""
    (step,) = [step for step in plan["steps"] if step["address"].endswith("offer.saver")]
    step.update(changes)


FORGED_APPLY: dict[str, Forgery] = {
    "the reason": lambda plan: first(plan, reason="renamed"),
    "the resets": lambda plan: first(plan, approvals_reset=[]),
    "a reset by another": lambda plan: first(
        plan, approvals_reset=[{"address": "recipients/offer.safari", "aspect": "content", "space": "app", "by": "brand"}]
    ),
    "the dependents": lambda plan: first(plan, dependents=["recipients/offer.safari"]),
    "notes on a step": lambda plan: first(plan, notes=["risk has agreed to this by telephone."]),
    "notes": lambda plan: plan.update(notes=["risk has agreed to this by telephone."]),
    "what is blocked": lambda plan: plan.update(
        blocked=[{
            "address": "recipients/offer.safari", "stage": "recipients@live", "code": "OFR703", "why": "never mind",
            "how": "", "who": [], "live": True, "source": None,
        }]
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", variants(FORGED_APPLY, quick=1))
def test_false_explanations(team: Session, what: str) -> None:
    """What people read beside the steps is made up."""
    team.edit(offers={"saver": {"weights": [{"weight": 99}]}})
    team.do("omar", "plan --out plans/p.json")
    team.forge("plans/p.json", FORGED_APPLY[what])
    team.attempt("omar", "apply plans/p.json --yes")
    broken_if(team.design().weight("saver") == 99, f"a plan was carried out that lies about {what}")


FORGED_PROMOTION: dict[str, Forgery] = {
    "the reason": lambda plan: first(plan, reason="rides-along"),
    "notes": lambda plan: plan.update(notes=["Nothing that is live changes."]),
    "the approvals that it relies on": lambda plan: plan.update(approvals=[]),
    "what is blocked": lambda plan: plan.update(blocked=[]),
}


@pytest.mark.parametrize("what", variants(FORGED_PROMOTION, quick=0))
def test_false_explanations_of_a_promotion(team: Session, what: str) -> None:
    """The same in a promotion, of which another offer stays behind."""
    team.edit(offers={"saver": {"weights": [{"weight": 99}]}, "safari": {"weights": [{"weight": 98}]}})
    team.do("omar", "apply --yes")
    team.do("olga", "approve offer.saver")
    team.do("omar", "promote --out plans/p.json")
    team.forge("plans/p.json", FORGED_PROMOTION[what])
    team.attempt("omar", "apply plans/p.json --yes")
    broken_if(team.live().weight("saver") == 99, f"a promotion was carried out that lies about {what}")


def test_approval_that_is_not_there(team: Session) -> None:
    """The promotion is of another offer; the steps are put in by hand."""
    team.edit(offers={"saver": {"weights": [{"weight": 99}]}})
    team.do("omar", "plan --out plans/a.json", "apply plans/a.json --yes")
    applied = json.loads((team.root / "plans/a.json").read_text())["plan"]
    team.edit(offers={"safari": {"weights": [{"weight": 4}]}})
    team.do("omar", "apply --yes")
    team.do("olga", "approve offer.safari")
    team.do("omar", "promote --out plans/p.json")

    def with_saver(plan: dict[str, Any]) -> None:
        (step,) = [step for step in applied["steps"] if step["address"].endswith("offer.saver")]
        activation = {"activation": ["app", "web-home"]}
        live = {"stage": "recipients@live", "reason": "approved", "before": {**step["before"], **activation}}
        plan["steps"].append({**step, **live, "after": {**step["after"], **activation}, "approvals_reset": []})
        plan["bodies"] |= applied["bodies"]

    team.forge("plans/p.json", with_saver)
    team.attempt("omar", "apply plans/p.json --yes")
    broken_if(team.live().weight("saver") == 99, "a weight is live that nobody approved")


@pytest.mark.slow
def test_steps_of_another_kind(team: Session) -> None:
    """What is not approved goes live as a plan of specs, or as a rollback."""
    team.edit(offers={"saver": {"weights": [{"weight": 99}]}})
    team.do("omar", "plan --out plans/p.json", "apply plans/p.json --yes")
    applied = (team.root / "plans/p.json").read_text()
    for kind in ("apply", "rollback", "promote"):
        team.save("plans/p.json", applied)

        def live(plan: dict[str, Any], kind: str = kind) -> None:
            (step,) = plan["steps"]
            for side in ("before", "after"):
                step[side]["activation"] = ["app", "web-home"]
            step["stage"] = "recipients@live"
            plan |= {"kind": kind, "base": [], "to": 5 if kind == "rollback" else 0}

        team.forge("plans/p.json", live)
        team.attempt("ada", "apply plans/p.json --yes")
    broken_if(team.live().weight("saver") == 99, "a weight is live that nobody approved")


@pytest.mark.slow
def test_edited_without_its_digest(team: Session) -> None:
    """A plan whose digest is not that of its bytes."""
    team.edit(offers={"saver": {"weights": [{"weight": 99}]}})
    team.do("omar", "plan --out plans/p.json")
    plan = json.loads((team.root / "plans/p.json").read_text())["plan"]
    good = envelope(plan)
    first(plan, notes=["risk has agreed to this by telephone."])
    team.save("plans/p.json", good.partition(",")[0] + "," + envelope(plan).partition(",")[2])
    team.attempt("omar", "apply plans/p.json --yes")
    broken_if(team.design().weight("saver") == 99, "an edited plan was carried out")


def test_honest_saved_plans(team: Session) -> None:
    """Plans as they were saved are carried out: of specs and of a promotion, written anew with their own digest."""
    team.edit(offers={"saver": {"weights": [{"weight": 99}]}})
    for line in ("plan --out plans/p.json", "promote --out plans/q.json"):
        team.do("omar", line)
        path = team.root / line.split()[-1]
        plan = json.loads(path.read_text())["plan"]
        assert path.read_text() == envelope(plan)
        team.do("omar", f"apply {path.relative_to(team.root)} --yes")
        if line.startswith("plan"):
            team.do("olga", "approve offer.saver")
    assert team.live().weight("saver") == 99


@pytest.mark.slow
def test_honest_campaign(team: Session) -> None:
    """A campaign of what is live, from a saved plan."""
    team.edit(offers={"hello": {"category": "bank", "content": {"title": "Hello"}, "spaces": ["newsletter"]}})
    team.honestly("omar", "olga")
    team.edit(campaigns={"winter": campaign("hello")})
    team.do("dora", "plan --out plans/p.json", "apply plans/p.json --yes")
    assert actions(team, "campaign.winter") == ["apply"]


@pytest.mark.slow
def test_honest_purge_waits(team: Session) -> None:
    """A purge takes what was retired once its retention is over, and nothing before."""
    retired(team)
    team.do("ada", "purge --yes")
    assert "purge" not in actions(team, "offer.saver")
    team.edit(environment={"promotion": {"retention": "0d", "separation_of_duties": True}})
    team.do("ada", "apply --yes")
    team.do("alan", "promote --yes")
    team.do("ada", "purge --yes")
    assert "purge" in actions(team, "offer.saver")


# Variants: of who knows that what explains the steps is made again


def as_format_1(plan: dict[str, Any]) -> None:
    """What an earlier version would have written: it told less."""
    plan["format"] = 1
    for key in ("asked", "undoes", "withdrawn", "rolled_back"):
        plan.pop(key, None)
    for row in plan["blocked"]:
        row.pop("keys", None)


def older(**changes: Any) -> Forgery:
    """A plan of format 1 whose first step is changed."""

    def forge(plan: dict[str, Any]) -> None:
        as_format_1(plan)
        first(plan, **changes)

    return forge


SAFARI = "recipients/offer.safari"
LIES: dict[str, Forgery] = {
    "the reason, as format 1": older(reason="renamed"),
    "notes on a step, as format 1": older(notes=["risk has agreed to this by telephone."]),
    "a note that plans have": lambda plan: plan.update(notes=[f"{SAFARI} comes along because {SAFARI} needs it."]),
    "targets": lambda plan: plan.update(targets=[SAFARI]),
    "targets that are a sentence": lambda plan: plan.update(targets=["* as risk has agreed to"]),
    "what was left out": lambda plan: plan["asked"].update(excludes=["risk has agreed"]),
    "the version": lambda plan: plan.update(offerkit="1.0, checked by risk"),
    "the place in the specs": lambda plan: first(plan, source=["risk has agreed", 1, 1]),
    "a place that is nowhere": lambda plan: first(plan, source=["../../etc/specs.yaml", 1, 1]),
    "the base": lambda plan: plan["base"][0].update(digest=64 * "0"),
    "no base": lambda plan: plan.update(base=[]),
    "who lifts a block": lambda plan: plan.update(
        blocked=[{
            "address": SAFARI, "stage": "recipients@design", "code": "OFR506", "who": ["risk"], "how": "",
            "why": "it needs recipients/offer.saver, which stays", "live": False, "source": None, "keys": [],
        }]
    ),
    "a revision that it goes back to": lambda plan: plan.update(to=3),
    "a body that no step brings": lambda plan: plan["bodies"].update(_body_of("hidden")),
}  # fmt: skip


def _body_of(title: str) -> dict[str, Any]:
    text = json.dumps({"category": "bank", "content": {"title": title}}, sort_keys=True, separators=(",", ":"))
    return {hashlib.sha256(b"offer\n" + text.encode()).hexdigest(): {"kind": "offer", "text": text}}


@pytest.mark.parametrize("what", variants(LIES, quick=1))
def test_lies_within_what_plans_may_say(team: Session, what: str) -> None:
    """Each is of the right form."""
    team.edit(offers={"saver": {"weights": [{"weight": 99}]}})
    team.do("omar", "plan --out plans/p.json")
    team.forge("plans/p.json", LIES[what])
    team.attempt("omar", "apply plans/p.json --yes")
    broken_if(team.design().weight("saver") == 99, f"a plan was carried out that lies about {what}")


@pytest.mark.slow
def test_deletion_of_what_is_protected(team: Session) -> None:
    """The plan deletes something else; the address is put in by hand."""
    team.edit(offers={"saver": {"protected": True}})
    team.do("omar", "apply --yes")
    team.edit(offers={"saver": {"label": "Saver plus"}})
    team.do("omar", "plan --out plans/q.json")
    (step,) = json.loads((team.root / "plans/q.json").read_text())["plan"]["steps"]
    body = {name: step[name] for name in ("address", "before", "dependents", "approvals_reset")}
    team.edit(offers={"saver": {"label": None}, "safari": None})
    team.do("omar", "plan --out plans/p.json")

    def forge(plan: dict[str, Any]) -> None:
        (gone,) = [one for one in plan["steps"] if one["address"] == SAFARI]
        gone |= body | {"label": str(json.loads((team.root / "plans/q.json").read_text())["plan"]["steps"][0]["label"])}
        plan["steps"] = [gone]

    team.forge("plans/p.json", forge)
    team.attempt("omar", "apply plans/p.json --yes")
    broken_if(team.design()["offer.saver"] is None, "what is protected was deleted")


@pytest.mark.slow
def test_what_stays_behind_after_something_else_moved(team: Session) -> None:
    """Something was approved since; that does not let a plan say that safari does not stay behind."""
    team.edit(offers={"saver": {"weights": [{"weight": 99}]}, "safari": {"weights": [{"weight": 98}]}})
    team.do("omar", "apply --yes")
    team.do("olga", "approve offer.saver")
    team.do("omar", "promote --out plans/p.json")
    team.edit(offers={"hello": HELLO})
    team.do("omar", "apply --yes")
    team.forge("plans/p.json", lambda plan: plan.update(blocked=[]))
    team.attempt("omar", "apply plans/p.json --yes")
    broken_if(team.live().weight("saver") == 99, "a promotion was carried out that lies about what is blocked")


@pytest.mark.slow
def test_honest_promotion_while_others_change(team: Session) -> None:
    """What moved since does not matter to the steps, though another plan would say more now."""
    team.edit(offers={"saver": {"weights": [{"weight": 99}]}, "safari": {"weights": [{"weight": 98}]}})
    team.do("omar", "apply --yes")
    team.do("olga", "approve offer.saver")
    team.do("omar", "promote --out plans/p.json")
    team.edit(offers={"hello": HELLO, "safari": {"weights": [{"weight": 97}]}})
    team.do("omar", "apply --yes")
    team.do("olga", "approve offer.hello")
    team.do("omar", "apply plans/p.json --yes")
    assert team.live().weight("saver") == 99


HONEST = [
    "plan 'offer.s*' --exclude offer.safari --out plans/p.json",
    "plan offer.saver --out plans/p.json",
    "plan --out plans/p.json",
]


@pytest.mark.slow
@pytest.mark.parametrize("line", HONEST)
@pytest.mark.parametrize("change", [lambda plan: None, as_format_1], ids=["now", "format 1"])
def test_honest_plans_of_a_part(team: Session, line: str, change: Forgery) -> None:
    """Narrowed or not, of this format or the one before: they are carried out while something else changes."""
    team.edit(offers={"saver": {"weights": [{"weight": 99}]}, "safari": {"weights": [{"weight": 98}]}})
    team.do("omar", line)
    if change is as_format_1:
        team.forge("plans/p.json", change)
    team.do("dora", "plan")
    team.do("omar", "apply plans/p.json --yes")
    assert team.design().weight("saver") == 99


PURGED: dict[str, Forgery] = {
    "a note of another kind": lambda plan: plan.update(notes=[f"{SAFARI} comes along because {SAFARI} needs it."]),
    "what it keeps": lambda plan: plan.update(notes=[f"{SAFARI} is kept: it was deactivated less than 9d ago."]),
    "that it keeps what goes": lambda plan: plan.update(
        notes=["recipients/offer.saver is kept: it was deactivated less than 0d ago."]
    ),
    "what it was asked for": lambda plan: plan.update(targets=["offer.saver"]),
    "what it leaves out": lambda plan: plan["asked"].update(excludes=["offer.loan"]),
    "the stages": lambda plan: plan.update(base=plan["base"] * 2),
    "no project": lambda plan: plan.update(project=""),
}


@pytest.mark.slow
def test_false_explanations_of_a_purge(team: Session) -> None:
    """The same in a purge, whose notes say what stays; and plans of no project, or against a stage twice."""
    retired(team)
    team.edit(environment={"promotion": {"retention": "0d", "separation_of_duties": True}})
    team.do("ada", "apply --yes")
    team.do("alan", "promote --yes")
    team.do("ada", "purge --out plans/p.json")
    honest = (team.root / "plans/p.json").read_text()
    for what, forge in PURGED.items():
        team.save("plans/p.json", honest)
        team.forge("plans/p.json", forge)
        done = team.run("ada", "apply plans/p.json --yes")
        broken_if(done.code == 0, f"a purge was carried out that lies about {what}")
        assert "OFR713" in done.err or "OFR501" in done.err, done.err
    team.save("plans/p.json", honest)
    team.do("ada", "apply plans/p.json --yes")
    assert "purge" in actions(team, "offer.saver")


def why_as_format_1(plan: dict[str, Any], **changes: Any) -> None:
    """What stays behind, as an earlier version would have told it, and not so."""
    as_format_1(plan)
    plan["blocked"][0] |= changes


@pytest.mark.slow
@pytest.mark.parametrize("lie", [{"why": "risk has agreed to it by telephone"}, {"who": ["olga"]}, {"how": "Wait."}])
def test_what_stays_behind_as_format_1(team: Session, lie: dict[str, Any]) -> None:
    """A plan of format 1 does not say all that it was asked for; what it says is held to what such plans say."""
    team.edit(offers={"saver": {"weights": [{"weight": 99}]}, "gold-card": {"weights": [{"weight": 98}]}})
    team.do("omar", "apply --yes")
    team.do("olga", "approve offer.saver")
    team.do("omar", "promote --out plans/p.json")
    honest = (team.root / "plans/p.json").read_text()
    team.forge("plans/p.json", lambda plan: why_as_format_1(plan, **lie))
    assert not team.attempt("omar", "apply plans/p.json --yes")
    broken_if(team.live().weight("saver") == 99, "a promotion was carried out that lies about what is blocked")
    team.save("plans/p.json", honest)
    team.forge("plans/p.json", as_format_1)
    team.do("omar", "apply plans/p.json --yes")


@pytest.mark.slow
def test_space_that_stands_twice(team: Session) -> None:
    """One space is named in place of another, so that there are as many."""
    team.edit(offers={"saver": {"weights": [{"weight": 99}]}})
    team.do("omar", "apply --yes")
    team.do("olga", "approve offer.saver")
    team.do("omar", "promote --out plans/p.json")

    def twice(plan: dict[str, Any]) -> None:
        as_format_1(plan)
        plan["steps"][0]["after"]["activation"] = ["app", "app"]

    team.forge("plans/p.json", twice)
    team.attempt("omar", "apply plans/p.json --yes")
    broken_if(team.live().weight("saver") == 99, "an offer is live twice on one space")
