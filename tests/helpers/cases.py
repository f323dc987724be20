"""Runs a planner case: a YAML file of what is done to a project and what is expected of each plan.

    title:  one line                     base: shop (the project it begins with)
    start:  empty | applied | approved | live   (how far the project has gone before the case begins)
    before: a merge patch of the files, laid on the base first
    do:     a list; each item has one verb, with an operator, and what is expected of it

Verbs: change (a merge patch of the files), apply, plan, promote, promotion (planned only), rollback, purge,
approve, reject, wait (days). Expected: steps, resets, affects, notes, blocked, moved, decided, left, live,
refused. Everything but notes and why is compared exactly.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from helpers.files import base, load_yaml, patched
from helpers.workspace import Workspace
from offerkit.diagnostics import Code, Refused
from offerkit.plans.plan import Aspect, Plan, Step
from offerkit.usecases.requests import ApprovalOutcome

Item = dict[str, Any]
EXPECTATIONS = (
    "steps", "resets", "affects", "notes", "blocked", "decided", "left", "live", "refused", "changes", "says"
)  # fmt: skip
VERBS = (
    "change", "apply", "plan", "promote", "promotion", "rollback", "purge", "approve", "reject", "wait", "check"
)  # fmt: skip


def run_case(path: Path, root: Path) -> Workspace:
    """Run the case in ``path``; AssertionError names the item that went otherwise than expected."""
    case = load_yaml(path)
    files = patched(base(case.get("base", "shop")), case.get("before", {}))
    workspace = Workspace(root, files)
    _begin(workspace, case.get("start", "empty"))
    for number, item in enumerate(case["do"], 1):
        verb = next(key for key in item if key in VERBS)
        label = f"{path.stem}, item {number} ({verb})"
        expected = {key: item[key] for key in EXPECTATIONS if key in item}
        unknown = item.keys() - expected.keys() - {verb, "only", "except", "by", "to", "include_rolled_back", "withdrawn",
                                                   "environments", "content", "eligibility", "spaces", "categories",
                                                   "offers", "because"}  # fmt: skip
        assert not unknown, f"{label}: what is {sorted(unknown)}?"
        if "refused" in expected:
            _expect_refused(workspace, verb, item, expected, label)
            continue
        outcome = _do(workspace, verb, item)
        _compare(workspace, outcome, expected, label)
    assert workspace.verified() == []
    return workspace


def _begin(workspace: Workspace, start: str) -> None:
    if start != "empty":
        workspace.apply("ada")
    if start in ("approved", "live"):
        workspace.approve_all()
    if start == "live":
        workspace.promote("ada")


def _do(workspace: Workspace, verb: str, item: Item) -> Plan | ApprovalOutcome | None:
    who, only, without = item[verb], tuple(item.get("only", ())), tuple(item.get("except", ()))
    match verb:
        case "change":
            workspace.change(item["change"])
        case "wait":
            workspace.later(days=item["wait"])
        case "plan":
            return workspace.plan(*only, exclude=without)
        case "apply":
            return workspace.apply(who, *only, exclude=without)
        case "promote" | "promotion":
            run = workspace.promote if verb == "promote" else workspace.promotion
            environments = tuple(item.get("environments", ()))
            back = item.get("include_rolled_back", False)
            return run(who, *only, exclude=without, environments=environments, include_rolled_back=back)
        case "rollback":
            targets = item.get("only", ())
            return workspace.rollback(item["by"], who, item["to"], *targets, withdrawn=item.get("withdrawn", False))
        case "purge":
            return workspace.purge(who, *item.get("environments", ()))
        case "approve" | "reject":
            wish = {k: item[k] for k in ("content", "eligibility") if k in item}
            wish |= {k: tuple(item[k]) for k in ("spaces", "categories") if k in item}
            run_decision = workspace.approve if verb == "approve" else workspace.reject
            return run_decision(who, *item.get("offers", ()), **wish)
    return None


def _expect_refused(workspace: Workspace, verb: str, item: Item, expected: Item, label: str) -> None:
    try:
        _do(workspace, verb, item)
    except Refused as refused:
        codes = [Code(d.code).name for d in refused.diagnostics]
        told = [(d.summary, d.detail, d.hint) for d in refused.diagnostics]
        assert codes == expected["refused"], f"{label}: {told}"
        said = " ".join(part for parts in told for part in parts)
        for words in expected.get("says", ()):
            assert words in said, f"{label}: {said}"
        return
    raise AssertionError(f"{label}: was not refused")


def _compare(workspace: Workspace, outcome: Plan | ApprovalOutcome | None, expected: Item, label: str) -> None:
    seen: Item = {}
    if isinstance(outcome, Plan):
        seen = _of_plan(outcome)
        notes = expected.pop("notes", None)
        if notes is not None:
            assert len(notes) == len(seen["notes"]), f"{label}: {seen['notes']}"
            for words, note in zip(notes, seen["notes"], strict=True):
                assert words in note, f"{label}: {note}"
        _why(expected, seen, label)
    elif isinstance(outcome, ApprovalOutcome):
        seen = {"decided": [_key(k) for k in outcome.keys], "left": list(outcome.left)}
    if "live" in expected:
        seen["live"] = {address: list(spaces) for address, spaces in workspace.active().items()}
    for key, value in expected.items():
        assert seen[key] == value, f"{label}: {key}\n expected: {value}\n      seen: {seen[key]}"


def _why(expected: Item, seen: Item, label: str) -> None:
    """The reasons that a case gives are parts of those a plan gives; what a case leaves out is not compared."""
    if len(expected.get("blocked", ())) != len(seen["blocked"]):
        return
    for wanted, found in zip(expected.get("blocked", ()), seen["blocked"], strict=True):
        for key in ("why", "how"):
            words = wanted.pop(key, None)
            assert words is None or words in found[key], f"{label}: {found[key]!r} does not say {words!r}"
        for key in set(found) - set(wanted):
            del found[key]


def _of_plan(plan: Plan) -> Item:
    return {
        "steps": [_step(step) for step in plan.steps],
        "resets": {
            s.address: [_key(r) + f" by {r.by}" for r in s.approvals_reset] for s in plan.steps if s.approvals_reset
        },
        "affects": {s.address: list(s.dependents) for s in plan.steps if s.dependents},
        "changes": {s.address: [f"{c.op} {c.path}" for c in s.changes] for s in plan.steps if s.changes},
        "notes": list(plan.notes),
        "blocked": [
            {"at": b.address, "code": Code(b.code).name, "why": b.why, "how": b.how, "who": list(b.who),
             "live": b.live} for b in plan.blocked
        ],
    }  # fmt: skip


def _step(step: Step) -> str:
    """``update shop/offer.x approved on mail, web``: one step in one line."""
    words = [step.action, step.address, step.reason]
    if step.moved_from:
        words.append(f"from {step.moved_from}")
    if step.after is not None and step.after.activation:
        words.append(f"on {', '.join(step.after.activation)}")
    return " ".join(words)


def _key(key: Any) -> str:
    where = f" on {key.space}" if key.aspect is Aspect.CONTENT else ""
    return f"{key.aspect}{where} of {key.address}"
