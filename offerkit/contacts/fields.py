"""The fields of a dimension: the columns of a source checked against them, and its cells read as their values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo

from offerkit.diagnostics import Code, Diagnostic, Position, Refused, Severity, suggestion
from offerkit.rules.types import FieldType, Row, Value
from offerkit.rules.values import parse_value

_BLANKS = "\u200b\u200c\u200d\u2060\ufeff\xa0 \t\r\n"
"""Blanks that programs leave around a name, including invisible ones."""
_NAMED = 10
"""Columns that a message names, at most."""
_SHARED, _SHORT = 1_000, 60
"""Distinct texts of a field whose values contacts share in memory, and the characters of each, at most."""


class BadCell(ValueError):  # noqa: N818 - a finding about a cell; the sources turn it into a diagnostic
    """A cell that is not a value of the type of its ``field``; the message says why."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field


@dataclass(frozen=True, slots=True)
class FieldReader:
    """Reads the cells of one contact, in the order of ``types``. ``zone`` is the environment's, for timestamps."""

    types: Mapping[str, FieldType]
    key: tuple[str, ...]
    zone: tzinfo
    _shared: list[dict[str, Value]] = field(init=False)
    """By field: what texts were read as before. Fields such as a country have few, each read once."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "_shared", [{} for _ in self.types])

    def row(self, cells: Sequence[object]) -> Row:
        """All values. Raises BadCell for a value that does not fit, or a primary key that is unknown."""
        row: dict[str, Value] = {}
        for (name, type_), shared, cell in zip(self.types.items(), self._shared, cells, strict=True):
            text = cell if isinstance(cell, str) else None
            value = shared.get(text) if text is not None else None
            if value is None:
                try:
                    value = parse_value(cell, type_, self.zone)
                except (ValueError, TypeError) as error:
                    raise BadCell(name, str(error)) from error
                if text is not None and len(shared) < _SHARED and len(text) <= _SHORT:
                    shared[text] = value
            row[name] = value
        for name in self.key:
            if row[name] is None:
                raise BadCell(name, "it is part of the key and must not be empty")
        return row

    def value(self, name: str, cell: object) -> Value:
        """One value; None where it does not fit, which matches no key."""
        try:
            return parse_value(cell, self.types[name], self.zone)
        except (ValueError, TypeError):
            return None


def check_columns(columns: Sequence[str], fields: Iterable[str], where: str, position: Position | None) -> None:
    """Raises Refused for fields without a column, with the column that was probably meant, and for columns twice."""
    wanted = list(fields)
    missing = [name for name in wanted if name not in columns]
    if missing and (hint := _separator_hint(columns)):
        summary = f"{where} has only one column, and should have {len(wanted)}"
        raise Refused([Diagnostic(Code.CONTACT_COLUMNS, summary, hint=hint, position=position)])
    problems = [
        Diagnostic(
            Code.CONTACT_COLUMNS,
            f"{where} has no column “{name}”",
            detail="Every field of the dimension needs a column of its name.",
            hint=_column_hint(name, columns, wanted),
            position=position,
        )
        for name in missing[:_NAMED]
    ]
    if len(missing) > _NAMED:
        more = ", ".join(missing[_NAMED : 3 * _NAMED])
        problems.append(Diagnostic(Code.CONTACT_COLUMNS, f"{where} also has no columns {more}", position=position))
    twice = sorted({name for name in wanted if list(columns).count(name) > 1})
    problems += [
        Diagnostic(Code.CONTACT_COLUMNS, f"{where} has two columns “{name}”", position=position) for name in twice
    ]
    if problems:
        raise Refused(problems)


def _column_hint(name: str, columns: Sequence[str], fields: Sequence[str]) -> str:
    """How to add a missing column: blanks around its name are the likeliest cause, and cannot be seen."""
    for number, column in enumerate(columns, 1):
        if column != name and _stripped(column) == name:
            return f"Column {number} is “{column[:80]}”, with blanks around the name; remove them from the header."
    candidates = {stripped for column in columns if (stripped := _stripped(column)) and stripped not in fields}
    return suggestion(name, candidates)


def _stripped(column: str) -> str:
    return column.strip(_BLANKS).strip().strip(_BLANKS)


def _separator_hint(columns: Sequence[str]) -> str:
    if len(columns) == 1:
        for separator, name in ((";", "semicolons"), ("\t", "tabs")):
            if separator in columns[0]:
                return f"Separate the columns by commas; they seem to be separated by {name}."
    return ""


def unread_columns(columns: Iterable[str], fields: Iterable[str], where: str) -> tuple[Diagnostic, ...]:
    """A note on columns that no field reads, if there are any."""
    field_names = set(fields)
    extra = [name[:80] for name in columns if name not in field_names]
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
