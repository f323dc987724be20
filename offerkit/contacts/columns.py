"""The columns of a source against the fields of its dimension, and cells turned into rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo

from offerkit.diagnostics import Code, Diagnostic, Position, Refused, Severity, suggestion
from offerkit.rules.types import FieldType, Row, Value
from offerkit.rules.values import parse_value

_BLANKS = "\u200b\u200c\u200d\u2060\ufeff\xa0 \t\r\n"
"""Blanks that programs leave around a name, the invisible ones included."""
_NAMED = 10
"""Columns that a message names at most."""


class BadCell(ValueError):  # noqa: N818 - a finding about a cell; the sources turn it into a diagnostic
    """A cell that is no value of its field's type: the field, its place among the fields, and why."""

    def __init__(self, field: str, index: int, reason: str) -> None:
        """Keep what the message needs."""
        super().__init__(reason)
        self.field = field
        self.index = index


@dataclass(frozen=True, slots=True)
class Reader:
    """Turns the cells of one contact, in the order of ``types``, into a row."""

    types: Mapping[str, FieldType]
    key: tuple[str, ...]
    zone: tzinfo

    def row(self, cells: Sequence[object]) -> Row:
        """All values. Raises BadCell for a value that does not fit, or a primary key that is unknown."""
        row: dict[str, Value] = {}
        for index, (name, type_) in enumerate(self.types.items()):
            try:
                row[name] = parse_value(cells[index], type_, self.zone)
            except (ValueError, TypeError) as error:
                raise BadCell(name, index, str(error)) from error
        for name in self.key:
            if row[name] is None:
                raise BadCell(name, list(self.types).index(name), "it is part of the key and may not be empty")
        return row

    def value(self, name: str, cell: object) -> Value:
        """One value; None where it does not fit, which equals no key."""
        try:
            return parse_value(cell, self.types[name], self.zone)
        except (ValueError, TypeError):
            return None


def check_columns(found: Sequence[str], fields: Iterable[str], where: str, position: Position | None) -> None:
    """Refuse a source that lacks fields, each with the column that was probably meant, or has one twice."""
    wanted = list(fields)
    missing = [name for name in wanted if name not in found]
    if missing and (hint := _separator(found)):
        summary = f"{where} has one column only, and should have {len(wanted)}"
        raise Refused([Diagnostic(Code.CONTACT_COLUMNS, summary, hint=hint, position=position)])
    problems = [
        Diagnostic(
            Code.CONTACT_COLUMNS,
            f"{where} has no column “{name}”",
            detail="Every field of the dimension needs a column of its name.",
            hint=_meant(name, found, wanted),
            position=position,
        )
        for name in missing[:_NAMED]
    ]
    if len(missing) > _NAMED:
        more = ", ".join(missing[_NAMED : 3 * _NAMED])
        problems.append(Diagnostic(Code.CONTACT_COLUMNS, f"{where} has no columns {more} either", position=position))
    twice = sorted({name for name in wanted if list(found).count(name) > 1})
    problems += [
        Diagnostic(Code.CONTACT_COLUMNS, f"{where} has two columns “{name}”", position=position) for name in twice
    ]
    if problems:
        raise Refused(problems)


def _meant(name: str, found: Sequence[str], wanted: Sequence[str]) -> str:
    """How to mend that a column is missing: blanks around its name are the likeliest cause, and cannot be seen."""
    for place, column in enumerate(found, 1):
        if column != name and _stripped(column) == name:
            return f"Column {place} is “{column[:80]}”, with blanks around the name; take them out of the header."
    others = {stripped for column in found if (stripped := _stripped(column)) and stripped not in wanted}
    return suggestion(name, others)


def _stripped(column: str) -> str:
    return column.strip(_BLANKS).strip().strip(_BLANKS)


def _separator(found: Sequence[str]) -> str:
    if len(found) == 1:
        for sign, name in ((";", "semicolons"), ("\t", "tabs")):
            if sign in found[0]:
                return f"Separate the columns by commas; these seem to be separated by {name}."
    return ""


def extra_note(found: Iterable[str], fields: Iterable[str], where: str) -> tuple[Diagnostic, ...]:
    """A note that columns are not read, if there are any."""
    known = set(fields)
    extra = [name[:80] for name in found if name not in known]
    if not extra:
        return ()
    shown = ", ".join(extra[:_NAMED]) + (f" and {len(extra) - _NAMED} more" if len(extra) > _NAMED else "")
    return (
        Diagnostic(
            Code.CONTACT_COLUMNS,
            f"{where} has columns that the dimension does not declare: {shown}",
            detail="They are not read.",
            hint="Declare them as fields to use them in rules.",
            severity=Severity.NOTE,
        ),
    )
