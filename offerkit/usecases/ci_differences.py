"""How a plan that differs from what was reviewed in a pull request says so."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress

from offerkit.diagnostics import Code, Diagnostic, Refused
from offerkit.plans.meaning import RELIES, STEP, WAITS, Fact, FactDifference
from offerkit.plans.plan import FieldChange, Plan
from offerkit.reports.escape import clip
from offerkit.reports.pull_request import pull_request_of
from offerkit.reports.values import inline
from offerkit.reports.words import count
from offerkit.usecases.ci_bundle import REPORT, Opened

MOST = 20
"""The most differences that are listed one by one."""
_DIGITS = 12
_FIELDS = 3
"""The most fields of a difference that are listed."""


def told(differing: Sequence[FactDifference], plan: Plan, read: Opened | None) -> list[Diagnostic]:
    """The first differences of ``plan`` from what was reviewed. ``read``: the bundle, with the reviewed fields."""
    listed = differing[:MOST]
    fields_reviewed = (
        _fields_read(read, {difference.stage.partition("@")[0] for difference in listed}) if read is not None else {}
    )
    fields_now = {(str(step.stage), str(step.address)): step.changes for step in plan.steps}
    diagnostics = [
        _said_of(
            difference,
            fields_reviewed.get((difference.stage, difference.address), ()),
            fields_now.get((difference.stage, difference.address), ()),
        )
        for difference in listed
    ]
    if more := len(differing) - len(diagnostics):
        diagnostics.append(
            Diagnostic(Code.MEANING, f"and {count(more, 'other')} {'is' if more == 1 else 'are'} different")
        )
    return diagnostics


def _fields_read(read: Opened, environments: Iterable[str]) -> dict[tuple[str, str], tuple[FieldChange, ...]]:
    """The fields in a bundle's reports, by stage and address; they are untrusted, and only shown."""
    changes_by_step = {}
    for name in sorted(environments):
        with suppress(Refused):  # then fewer fields are shown
            content = read.text(name, REPORT)
            for step in pull_request_of(content).plan.steps if content is not None else ():
                changes_by_step[str(step.stage), str(step.address)] = step.changes
    return changes_by_step


def _said_of(
    difference: FactDifference, reviewed_changes: Sequence[FieldChange], planned_changes: Sequence[FieldChange]
) -> Diagnostic:
    reviewed, now = difference.read, difference.now
    changes_by_word = {
        "Read": [change for change in reviewed_changes if change not in planned_changes],
        "Now": [change for change in planned_changes if change not in reviewed_changes],
    }
    details = " ".join(f"{word}: {_in_words(changes)}." for word, changes in changes_by_word.items() if changes)
    if reviewed is None:
        summary = f"{difference.address} was not reviewed: {_said(now)}"
    elif now is None:
        summary = f"{difference.address} no longer is what was reviewed: {_said(reviewed)}"
    else:
        summary = f"{difference.address} differs from what was reviewed: then {_said(reviewed)}; now {_said(now)}"
    return Diagnostic(
        Code.MEANING,
        summary,
        f"{details} In {difference.stage}. What is applied must be what was reviewed in the pull request.".lstrip(),
        "Run “offerkit ci plan” again and review what is new, or apply it with --allow-different REASON.",
        difference.address,
    )


def _in_words(changes: Sequence[FieldChange]) -> str:
    texts = [f"{change.path} {inline(change.before)} → {inline(change.after)}" for change in changes[:_FIELDS]]
    return "; ".join([clip(text, 200) for text in texts] + (["…"] if len(changes) > _FIELDS else []))


def _said(fact: Fact | None) -> str:
    """Describe a fact."""
    match fact:
        case (kind, _, _, action, moved_from, before, was_on, after, on) if kind == STEP:
            was, will = _entry(before, was_on), _entry(after, on)
            return f"{action}{f' from {moved_from}' if moved_from else ''}, {was} → {will}"
        case (kind, _, _, print_) if kind == RELIES:
            return f"it is relied on as {_entry(print_, '')}"
        case (kind, _, _, address, aspect, space, _) if kind == WAITS and address:
            return f"it waits for the {aspect} of {address}{f' on {space}' if space else ''}"
        case _:
            return "it is held back"


def _entry(print_: str, active: str) -> str:
    if not print_:
        return "nothing"
    return print_[:_DIGITS] + (f" on {active or 'no space'}" if active not in ("-", "") else "")
