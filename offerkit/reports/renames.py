"""The hint about likely renames: a deletion and a creation with the same fields, and no declared rename."""

from __future__ import annotations

from collections.abc import Sequence

from offerkit.address import SHARED, Address, Kind
from offerkit.plans.plan import Plan, PlanKind
from offerkit.reports.escape import fenced
from offerkit.reports.style import Layout, Style, indented
from offerkit.state.changes import Action

TITLE = "Renamed?"
_WHY = (
    "The deleted and created resources have the same fields. If they were renamed, declare this in a file of"
    " {folder} to keep their history and approvals:"
)


def likely_renames(plan: Plan) -> dict[str, list[tuple[str, str]]]:
    """Old and new names by environment, in order; none where several resources have these very fields."""
    if plan.kind is not PlanKind.APPLY:
        return {}
    gone: dict[tuple[str, Kind, str], list[Address]] = {}
    come: dict[tuple[str, Kind, str], list[Address]] = {}
    for step in plan.steps:
        side, entry = (gone, step.before) if step.action is Action.DELETE else (come, step.after)
        kind = step.address.kind
        if step.action in (Action.DELETE, Action.CREATE) and entry is not None and kind is not Kind.ENVIRONMENT:
            side.setdefault((step.stage, kind, entry.fingerprint), []).append(step.address)
    found: dict[str, list[tuple[str, str]]] = {}
    for key, olds in gone.items():
        news = come.get(key, [])
        if len(olds) == len(news) == 1:
            old, new = olds[0], news[0]
            pair = (f"{old.kind}.{old.name}", f"{new.kind}.{new.name}")
            found.setdefault(old.environment, []).append(pair)
    return {environment: sorted(found[environment]) for environment in sorted(found)}


def renames_text(plan: Plan, style: Style, layout: Layout) -> str:
    """The hint as text, with YAML to be copied; empty where nothing looks like a rename."""
    rows: list[str] = []
    for environment, pairs in likely_renames(plan).items():
        rows += ["", *indented("  ", _why(environment), layout.width), ""]
        rows += [style.cyan(f"      {line}") for line in _yaml(pairs, layout)]
    return "\n".join([style.bold(TITLE), *rows]) if rows else ""


def renames_markdown(plan: Plan, layout: Layout, room: int) -> str:
    """The hint as Markdown; without the names where these would take more than ``room`` bytes."""
    parts = []
    for environment, pairs in likely_renames(plan).items():
        block = fenced("\n".join(_yaml(pairs, layout)), "yaml")
        room -= len(block.encode())
        parts += [_why(environment), block if room > 0 else f"… {len(pairs):,} names"]
    return "\n\n".join([f"#### {TITLE}", *parts]) if parts else ""


def renames_view(plan: Plan, layout: Layout) -> tuple[str, list[tuple[str, str]]]:
    """What the section of a page shows: its title, and the hints, each with its YAML."""
    pairs = likely_renames(plan)
    return TITLE, [(_why(environment), "\n".join(_yaml(pairs[environment], layout))) for environment in pairs]


def _why(environment: str) -> str:
    return _WHY.format(folder="specs" if environment == SHARED else f"specs/{environment}")


def _yaml(pairs: Sequence[tuple[str, str]], layout: Layout) -> list[str]:
    more = len(pairs) - layout.limit
    rows = ["moved:", *(f"  {old}: {new}" for old, new in pairs[: layout.limit])]
    return [*rows, f"  # … and {more:,} more"] if more > 0 else rows
