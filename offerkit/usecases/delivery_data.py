"""The data that a run of a delivery brings for each recipient: opened, and held against what the delivery declares."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import ValidationError

from offerkit.batch import ContactData
from offerkit.contacts.source import Contacts
from offerkit.diagnostics import Code, Diagnostic, Refused, and_list, refuse, suggestion
from offerkit.models.dimension import DimensionField, Source
from offerkit.rules.types import FieldType
from offerkit.usecases.contact_sources import ContactSources, source_file
from offerkit.usecases.planned_delivery import PlannedDelivery

_VARIABLE = "env:"
_HOW = (
    "Name a CSV, JSON Lines or Parquet file of the project (data/run.csv), or a table of a database:"
    " postgresql://USER@HOST/DATABASE#TABLE, sqlite:///PATH#TABLE, or env:VARIABLE#TABLE if the URL holds a password."
)


def contact_data(
    order: PlannedDelivery, people: ContactSources, source: str, given: Mapping[str, object]
) -> ContactData | None:
    """The data for each recipient in ``source``, as ``order`` declares it; None if it declares none.

    ``given``: the call data that the run gives for all contacts. Raises Refused if the delivery needs data and there
    is no source, or the other way round, and for columns that are missing or that nothing reads.
    """
    names = order.body.data
    if not names and not source:
        return None
    if not names:
        raise refuse(
            Code.RECIPIENT_DATA,
            f"{order.name} declares no data that its runs bring",
            detail="Each column is call data of the environment, which conditions and texts can read.",
            hint="Name them in the delivery (data: [total]), or leave out --data-from.",
        )
    if not source:
        raise refuse(
            Code.RECIPIENT_DATA,
            f"{order.name} needs {and_list(names)} for each recipient",
            detail="Without them its conditions do not hold and its texts have gaps.",
            hint=f"Add --data-from SOURCE. {_HOW}",
        )
    problems = [_twice(name) for name in names if name in given]
    key = order.catalog.dimension.key
    problems += [_taken(name) for name in names if name in key]
    problems += [_undeclared(order, name) for name in names if name not in order.catalog.call_data]
    if problems:
        raise Refused(problems)
    types = {name: order.catalog.call_data[name].type for name in names}
    key_types = {name: order.catalog.dimension.fields[name] for name in key}
    contacts = people.data(order.environment, _source(source), {**_fields(key_types), **_fields(types)}, key)
    _check_columns(contacts, {**key_types, **types})
    return ContactData(contacts, types)


def _fields(types: Mapping[str, FieldType]) -> dict[str, DimensionField]:
    return {
        name: DimensionField.model_validate({"type": type_.base.value, "values": tuple(type_.values)})
        for name, type_ in types.items()
    }


def _source(text: str) -> Source:
    """What ``--data-from`` names. Raises Refused if it is neither a file nor a table."""
    url, mark, table = text.rpartition("#")
    try:
        if mark and url.startswith(_VARIABLE):
            return Source(format="sql", url_env=url.removeprefix(_VARIABLE), table=table)
        if mark and "://" in url:
            return Source(format="sql", url=url, table=table)
    except ValidationError as error:
        secret = any(found["type"] == "secret" for found in error.errors(include_input=False))
        why = "its URL holds a password or another secret" if secret else "a part of it is missing"
        raise refuse(Code.RECIPIENT_DATA, f"the source of the data cannot be used: {why}", hint=_HOW) from None
    if (file := source_file(text)) is not None:
        return file
    raise refuse(Code.RECIPIENT_DATA, "the source of the data is neither a file nor a table", hint=_HOW)


def _check_columns(contacts: Contacts, types: Mapping[str, FieldType]) -> None:
    """Raise Refused for columns that are missing, and for those that nothing reads."""
    columns = list(contacts.columns())
    missing = [name for name in types if name not in columns]
    unknown = [name for name in columns if name not in types]
    problems = [
        Diagnostic(
            Code.RECIPIENT_DATA,
            f"the data has no column “{name}”",
            "It needs the fields of the contact's key, and everything that the delivery names in data.",
            suggestion(name, unknown),
        )
        for name in missing
    ]
    problems += [
        Diagnostic(
            Code.RECIPIENT_DATA,
            f"the data has a column “{name[:80]}” that the delivery does not name",
            "Nothing would read it.",
            suggestion(name, missing, "Name it in the delivery's data, or remove the column."),
        )
        for name in unknown[:_MOST]
    ]
    if len(unknown) > _MOST:
        more = f"the data has {len(unknown) - _MOST:,} more columns that the delivery does not name"
        problems.append(Diagnostic(Code.RECIPIENT_DATA, more))
    if problems:
        raise Refused(problems)


_MOST = 10
"""Columns that are reported one by one."""


def _twice(name: str) -> Diagnostic:
    return Diagnostic(
        Code.RECIPIENT_DATA,
        f"call data “{name}” is given for all contacts and comes with the data for each",
        hint=f"Leave out --data {name}=….",
    )


def _taken(name: str) -> Diagnostic:
    return Diagnostic(
        Code.RECIPIENT_DATA,
        f"call data “{name}” has the name of a field of the contact's key",
        "A column of the data can only be one of them.",
        "Rename the call data.",
    )


def _undeclared(order: PlannedDelivery, name: str) -> Diagnostic:
    return Diagnostic(
        Code.RECIPIENT_DATA,
        f"call data “{name}” is no longer declared in {order.environment}",
        hint=suggestion(name, order.catalog.call_data),
    )
