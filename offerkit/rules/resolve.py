"""Looks up ``namespace.field`` in the scope; reports unknown names with a reason and a suggestion."""

from __future__ import annotations

from offerkit.diagnostics.suggest import nearest, or_list, suggestion
from offerkit.rules import refusals
from offerkit.rules.functions import WRITTEN
from offerkit.rules.nodes import FieldNode
from offerkit.rules.problems import ProblemList, shortened
from offerkit.rules.types import NameScope

NOW = ("now", "current_timestamp")
TODAY = ("current_date",)
_DECLARE = {
    "stored": "Declare it under storage.proposed_data of a space, or under another status.",
    "product": "Declare it under product_fields of the environment.",
}


def written(*parts: str) -> str:
    """A name as an expression writes it, with double quotes where needed."""
    return ".".join(part if part.isidentifier() else f'"{part}"' for part in parts)


def resolve(parts: list[str], start: int, end: int, scope: NameScope, report: ProblemList) -> FieldNode | None:
    """The field named by ``parts`` (two or more); None after reporting that it does not exist."""
    if len(parts) > 2:
        hint = "A name has two: recipient.age."
        if parts[-1] in scope.namespaces.get(parts[0], ()):
            hint = f"Write {written(parts[0], parts[-1])}."
        report.add(start, end, f"{report.quote(start, end)} has too many parts", hint=hint)
        return None
    space, name = parts
    fields = scope.namespaces.get(space)
    if fields is None:
        _unknown_space(space, name, start, end, scope, report)
        return None
    type_ = fields.get(name)
    if type_ is None:
        what = {"parameter": "parameter", "interaction": "call data field", "stored": "value"}.get(space, "field")
        detail = "" if fields else f"Nothing is declared for {space} here."
        if space == "stored":
            detail = "No space of this environment stores it with a proposition."
        close = [written(space, field) for field in nearest(name, fields)]
        hint = f"Did you mean {or_list(close)}?" if close else suggestion(name, fields, _DECLARE.get(space, ""))
        report.add(start, end, f"{space} has no {what} “{shortened(name)}”", detail, hint)
        return None
    return FieldNode(type_, start, end, space, name)


def _unknown_space(space: str, name: str, start: int, end: int, scope: NameScope, report: ProblemList) -> None:
    if space in refusals.ELSEWHERE:
        report.add(
            start,
            start + len(space),
            f"{space}.<name> cannot be used here",
            refusals.ELSEWHERE[space],
            _known_spaces(scope),
        )
        return
    close = nearest(space, scope.namespaces)
    hint = f"Did you mean {written(close[0], shortened(name))}?" if close else _known_spaces(scope)
    report.add(start, end, f"“{shortened(space)}” is not known here", hint=hint)


def _known_spaces(scope: NameScope) -> str:
    return f"Known: {', '.join(sorted(f'{written(space)}.<name>' for space in scope.namespaces))}."


def bare(name: str, quoted: bool, start: int, end: int, scope: NameScope, report: ProblemList) -> None:
    """Report a name without a namespace."""
    holders = [space for space, fields in sorted(scope.namespaces.items()) if name in fields]
    if name in scope.namespaces:
        some = next(iter(scope.namespaces[name]), "age")
        hint = f"Name one of its fields, such as {written(name, some)}."
    elif holders:
        text = f"; or as a text, in single quotes: '{shortened(name)}'" if quoted else ""
        hint = f"Write {or_list(written(space, name) for space in holders)}{text}."
    elif name.lower() in ("yes", "no", "on", "off"):
        hint = f"Write {'true' if name.lower() in ('yes', 'on') else 'false'}; or as a text: '{name}'."
    elif quoted:
        hint = f"Write texts in single quotes: '{shortened(name)}'."
    else:
        hint = _alone(name, scope)
    what = "" if quoted and not holders else "Write a field with its namespace: recipient.age."
    report.add(start, end, f"{report.quote(start, end)} is not a name here", what, hint)


def _alone(name: str, scope: NameScope) -> str:
    known = {name: written(name) for name in (*NOW, *TODAY)}
    known |= {field: written(space, field) for space, fields in scope.namespaces.items() for field in fields}
    known |= {space: f"{written(space)}.<name>" for space in scope.namespaces}
    close = nearest(name, known)
    if close:
        return f"Did you mean {or_list(dict.fromkeys(known[near_name] for near_name in close))}?"
    if any(near_name.startswith(f"{name}-") for near_name in known):
        return 'Write a name with a hyphen in double quotes: "call-reason".'
    return f"Write texts in single quotes: '{shortened(name)}'."


def unknown_function(name: str, start: int, end: int, report: ProblemList) -> None:
    """Report a function that is not in the closed list."""
    hint = refusals.FUNCTIONS.get(name.lower()) or suggestion(name, WRITTEN, "The list is in docs/rules.md.")
    report.add(start, end, f"There is no function “{shortened(name)}”", hint=hint)
