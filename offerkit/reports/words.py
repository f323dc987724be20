"""The sentences that all formats share: headings, counts, reasons, summaries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import assert_never

from offerkit.address import Address, Kind
from offerkit.diagnostics import and_list
from offerkit.plans.plan import Plan, PlanKind, Reason, StageBase, Step
from offerkit.reports.style import CONCISE, Layout
from offerkit.state.changes import Action

SIGNS = {
    Action.CREATE: "+",
    Action.UPDATE: "~",
    Action.MOVE: "→",
    Action.DELETE: "-",
    Action.DEACTIVATE: "×",
}
"""Every action's sign, in the order in which a report lists actions."""

VERBS = {
    Action.CREATE: "create",
    Action.UPDATE: "change",
    Action.MOVE: "move",
    Action.DELETE: "delete",
    Action.DEACTIVATE: "deactivate",
}
DONE = {
    Action.CREATE: "added",
    Action.UPDATE: "changed",
    Action.MOVE: "moved",
    Action.DELETE: "removed",
    Action.DEACTIVATE: "deactivated",
}
"""What a diff calls the actions, which have happened already."""

REASONS = {
    Reason.DECLARED: "declared",
    Reason.CHANGED: "changed",
    Reason.REMOVED: "removed from the specs",
    Reason.RENAMED: "renamed",
    Reason.APPROVED: "approved",
    Reason.RIDES_ALONG: "rides along",
    Reason.REMOVED_FROM_DESIGN: "removed from design",
    Reason.REJECTED: "rejected",
    Reason.SWITCHED_OFF: "switched off",
    Reason.LEAVES_SPACE: "leaves a space",
    Reason.ENDS_EARLIER: "ends earlier",
    Reason.ROLLED_BACK: "rolled back",
    Reason.RETENTION_OVER: "its retention is over",
    Reason.STOPPED: "stopped",
}


def singular(kind: Kind) -> str:
    """What one resource of a kind is called."""
    return "file of cases" if kind is Kind.CASES else kind.value


def plural(kind: Kind) -> str:
    """What several resources of a kind are called."""
    if kind is Kind.CASES:
        return "files of cases"
    return kind.value[:-1] + "ies" if kind.value.endswith("y") else kind.value + "s"


def count(number: int, noun: str, nouns: str = "") -> str:
    """``1 offer``, ``1,800 offers``."""
    return f"{number:,} {noun if number == 1 else nouns or noun + 's'}"


def count_kind(number: int, kind: Kind) -> str:
    """``1 category``, ``12 categories``."""
    return count(number, singular(kind), plural(kind))


def listing(items: Sequence[str], most: int) -> str:
    """The first ``most`` of ``items``, then how many more there are."""
    more = len(items) - most
    return ", ".join(items[:most]) + (f" and {more:,} more" if more > 0 else "")


def names(addresses: Iterable[str], environment: str, most: int) -> str:
    """``offers a, b and 3 more; campaign summer``: short names within ``environment``, by kind."""
    by_kind: dict[tuple[str, int, str], list[str]] = {}
    for address in sorted(set(addresses)):
        if not isinstance(address, Address):  # in a plan that is only shown
            by_kind.setdefault(("", 0, ""), []).append(address)
            continue
        home = "" if address.environment == environment else address.environment
        short = f"{home}/{address.name}" if home and "/" in address else address.name
        by_kind.setdefault((home, address.sort_key[1], address.kind), []).append(short)
    parts = []
    for (_, _, kind), short_names in sorted(by_kind.items()):
        kind_name = "" if not kind else plural(Kind(kind)) if len(short_names) > 1 else singular(Kind(kind))
        parts.append(f"{kind_name} {listing(short_names, most)}".strip())
    return "; ".join(parts)


def stage_text(base: StageBase) -> str:
    """``recipients@design at revision 12``."""
    return f"{base.stage} at revision {base.revision:,}" if base.revision else f"{base.stage} (empty)"


def touched(plan: Plan) -> list[str]:
    """The stages that the plan changes; for an empty plan those it looked at."""
    stages = {step.stage for step in plan.steps} or {base.stage for base in plan.base}
    return sorted(stages, key=lambda stage: (not stage.startswith("shared"), stage))


def title(plan: Plan) -> str:
    """What the plan is about to do, as a heading."""
    stages = and_list(touched(plan))
    match plan.kind:
        case PlanKind.APPLY:
            return f"Apply the specs to {stages}" if stages else "Apply the specs"
        case PlanKind.PROMOTE:
            return f"Promote to {stages}" if stages else "Promote"
        case PlanKind.ROLLBACK:
            return f"Roll back {stages}".strip()
        case PlanKind.PURGE:
            return f"Purge {stages}".strip()
        case _ as never:
            assert_never(never)


def particulars(plan: Plan, digest: str, layout: Layout = CONCISE) -> list[tuple[str, str]]:
    """The plan's base, digest and targets."""
    rows = [("base", ", ".join(stage_text(base) for base in plan.base))]
    rows.append(("plan", digest[:12]))
    rows.append(("only", listing(plan.targets, layout.names)))
    return [(key, text) for key, text in rows if text]


def empty_sentence(plan: Plan) -> str:
    """Why a plan is empty."""
    stages = and_list(touched(plan)) or "the stage"
    match plan.kind:
        case PlanKind.APPLY if plan.blocked:
            return "No changes. What differs between the specs and the stages is held back."
        case PlanKind.APPLY:
            return f"No changes. The specs and {stages} agree."
        case PlanKind.PROMOTE if plan.blocked:
            return "No changes. What differs between design and live is blocked."
        case PlanKind.PROMOTE:
            return "No changes. What is approved in design is already live."
        case PlanKind.ROLLBACK:
            return f"No changes. {stages} already has this state."
        case PlanKind.PURGE:
            return "No changes. Nothing was deactivated longer ago than its retention period."
        case _ as never:
            assert_never(never)


def counts(steps: Iterable[Step]) -> str:
    """``3 to create, 1 to change, …``: every action, also those that do not occur."""
    numbers = Counter(step.action for step in steps)
    return ", ".join(f"{numbers[action]:,} to {verb}" for action, verb in VERBS.items())


def summary(plan: Plan) -> str:
    """The summary line."""
    held = len({(item.stage, item.address) for item in plan.blocked})
    blocked = f"; {held:,} blocked" if held else ""
    if plan.empty:
        return empty_sentence(plan)[:-1] + f"{blocked}."
    return f"Plan: {counts(plan.steps)}{blocked}."


def resets_sentence(steps: Iterable[Step]) -> str:
    """How many approvals will no longer count; empty if none."""
    keys = {(reset.address, reset.aspect, reset.space) for step in steps for reset in step.approvals_reset}
    if not keys:
        return ""
    return f"{count(len(keys), 'approval')} will no longer count."


def reason(step: Step, *, plan: bool = True) -> str:
    """Why the step is in the plan, in words; in a diff only what a resource was called before."""
    words = REASONS[step.reason] if plan else ""
    if step.action is Action.MOVE and step.moved_from:
        again = words and step.reason is not Reason.RENAMED
        return f"{'renamed ' if plan else ''}from {step.moved_from}" + (f", {words}" if again else "")
    return words


def position(step: Step) -> str:
    """``file:line`` of the step's declaration, or empty."""
    return f"{step.source.file}:{step.source.line}" if step.source else ""


def difference(steps: Sequence[Step], titles: tuple[str, str]) -> str:
    """What the second of two stages has against the first, in one line."""
    first, second = titles
    if not steps:
        return f"No differences: {first} and {second} are equal."
    numbers = Counter(step.action for step in steps)
    return f"{', '.join(f'{numbers[action]:,} {word}' for action, word in DONE.items() if numbers[action])}."
