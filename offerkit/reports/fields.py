"""A step's changed fields, side by side or as a line diff, for every format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import orjson

from offerkit.fingerprint import Json
from offerkit.plans.fields import redacted_fields
from offerkit.plans.plan import ChangeOp, FieldChange, Step
from offerkit.reports.line_diff import DiffLine, all_lines, capped, line_diff
from offerkit.reports.lookalike import host_note, hosts, told_apart
from offerkit.reports.style import ALL, Layout
from offerkit.reports.values import inline, yaml_lines
from offerkit.state.changes import Action, Body

MARKS = {ChangeOp.ADD: "+", ChangeOp.REMOVE: "-", ChangeOp.CHANGE: "~"}
_LONG = 80
"""Longer texts are compared line by line."""
_NEW_FIELD_LINES = 6
"""Lines of one text in a list of a new resource's fields."""


class FieldView(NamedTuple):
    """One changed field: ``before`` and ``after`` on one line, or else ``lines``."""

    op: ChangeOp
    path: str
    before: str = ""
    after: str = ""
    lines: tuple[DiffLine, ...] = ()
    notes: tuple[str, ...] = ()
    """The code points that differ between lookalikes; the other form of an internationalized host."""

    @property
    def mark(self) -> str:
        """``+``, ``-`` or ``~``."""
        return MARKS[self.op]


def field_views(changes: Sequence[FieldChange], layout: Layout) -> list[FieldView]:
    """The first changes of a step, in their order."""
    return [_view(change, layout) for change in changes[: layout.fields]]


def _view(change: FieldChange, layout: Layout) -> FieldView:
    old = "" if change.op is ChangeOp.ADD else inline(change.before)
    new = "" if change.op is ChangeOp.REMOVE else inline(change.after)
    before, after, note = told_apart(old, new) if change.op is ChangeOp.CHANGE else (old, new, "")
    notes = [f"differs: {note}"] if note else []
    notes += [f"host: {said}" for said in dict.fromkeys([*hosts(old), *hosts(new)])]
    texts = [value for value in (change.before, change.after) if isinstance(value, str)]
    long = any("\n" in text or len(text) > _LONG for text in texts)
    if not long and len(change.path) + len(old) + len(new) + 6 <= layout.width:
        return FieldView(change.op, change.path, before, after, notes=tuple(notes))
    return FieldView(change.op, change.path, lines=_block(change, (before, after, *notes), long, layout))


def _block(change: FieldChange, shown: Sequence[str], long: bool, layout: Layout) -> tuple[DiffLine, ...]:
    """A change that does not fit on one line, as lines."""
    if change.op is ChangeOp.ADD:
        return all_lines("+", _as_lines(change.after, layout), layout)
    if change.op is ChangeOp.REMOVE:
        return all_lines("-", _as_lines(change.before, layout), layout)
    before, after, *notes = shown
    if not long and isinstance(change.before, str) and isinstance(change.after, str):
        return (DiffLine("-", before), DiffLine("+", after), *(DiffLine("@", note) for note in notes))
    old, new = _as_lines(change.before, layout), _as_lines(change.after, layout)
    return line_diff("\n".join(old), "\n".join(new), layout)


def _as_lines(value: Json, layout: Layout) -> list[str]:
    """The lines of a text; other values as YAML-like lines, uncut, so that they can be compared.

    Items that are texts have no “- ” before them: beside the marks of a comparison it would look like a removal.
    """
    if isinstance(value, str):
        return value.split("\n")
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return [line for item in value for line in yaml_lines(item, layout.width - 20, ALL)]
    return yaml_lines(value, layout.width - 20, ALL)


def body_lines(step: Step, bodies: Mapping[str, Body], layout: Layout) -> list[str]:
    """The fields of a created resource as YAML-like lines, without the label that the step already shows."""
    if step.action is not Action.CREATE or step.after is None:
        return []
    body = bodies.get(step.after.fingerprint)
    if body is None:
        return []
    fields: Json = orjson.loads(body.text)
    if isinstance(fields, dict) and fields.get("label") == step.label:
        fields = {key: value for key, value in fields.items() if key != "label"}
    if not isinstance(fields, dict) or not fields:
        return []
    fields = redacted_fields(body.kind, fields)
    most = min(layout.lines, _NEW_FIELD_LINES) if layout.concise else ALL
    return [line + host_note(line) for line in yaml_lines(fields, layout.width - 20, most)]


def step_diff(step: Step, bodies: Mapping[str, Body], layout: Layout) -> list[DiffLine]:
    """The whole step as one diff, for a fenced ``diff`` block."""
    rows = [DiffLine("+", line) for line in body_lines(step, bodies, layout)]
    views = field_views(step.changes, layout)
    for view in views:
        if view.lines:
            rows += [DiffLine("@", f"{view.path}:"), *view.lines]
            continue
        rows += [DiffLine("-", f"{view.path}: {view.before}")] if view.before else []
        rows += [DiffLine("+", f"{view.path}: {view.after}")] if view.after else []
        rows += [DiffLine("@", note) for note in view.notes]
    if more := len(step.changes) - len(views):
        rows.append(DiffLine("@", f"… {more:,} more fields"))
    return list(capped(rows, max(layout.lines * 5, 200)))
