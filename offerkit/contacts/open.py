"""Opening the contacts of a dimension. A format's module is imported when a source of it is opened."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, assert_never

from offerkit.contacts.source import Contacts
from offerkit.diagnostics import Code, refuse

if TYPE_CHECKING:
    from offerkit.contacts.table import Table
    from offerkit.models.dimension import Dimension, Source

_SUPPORTED = "Supported are sqlite:///PATH (a file, relative to the project) and postgresql://USER@HOST/DATABASE."


def open_contacts(
    dimension_name: str, dimension: Dimension, root: Path, environ: Mapping[str, str], zone: tzinfo
) -> Contacts:
    """The contacts of a dimension, from its declared source. Nothing is read yet.

    ``root`` is the project's folder, ``environ`` the environment variables (for ``url_env``), ``zone`` the time
    zone of the environment. Raises Refused when no source is declared, or its URL is missing or not supported.
    """
    source = dimension.source
    if source is None:
        raise refuse(
            Code.CONTACTS_SOURCE,
            f"the dimension “{dimension_name}” declares no source, so its contacts cannot be read",
            hint="Add source: {format: csv, path: data/contacts.csv} to the dimension.",
        )
    match source.format:
        case "csv":
            from offerkit.contacts.csv_contacts import CsvContacts

            return CsvContacts(dimension_name, dimension, zone, root, source.path)
        case "jsonl":
            from offerkit.contacts.jsonl import JsonLinesContacts

            return JsonLinesContacts(dimension_name, dimension, zone, root, source.path)
        case "parquet":
            from offerkit.contacts.parquet import ParquetTable
            from offerkit.contacts.table import TableContacts

            table = ParquetTable(root, source.path)
            return TableContacts(dimension_name, dimension, zone, table, root / source.path)
        case "sql":
            from offerkit.contacts.table import TableContacts

            return TableContacts(dimension_name, dimension, zone, _open_table(source, root, environ))
        case _ as never:
            assert_never(never)


def _open_table(source: Source, root: Path, environ: Mapping[str, str]) -> Table:
    """The table of a ``sql`` source; nothing is connected yet.

    Raises Refused when the environment variable of ``url_env`` is not set, or the database is not supported. No
    message shows the URL: it can hold a password.
    """
    url = source.url
    if source.url_env:
        url = environ.get(source.url_env, "").strip()
        if not url:
            raise refuse(
                Code.CONTACTS_URL,
                f"the environment variable {source.url_env}, the URL of a database, is not set",
                detail=f"Its table is “{source.table}”.",
                hint=f"Set it: export {source.url_env}=postgresql://…",
            )
    where = f"the table {source.table}"
    scheme, colon, _ = url.partition("://")
    match scheme.lower() if colon else "":
        case "sqlite":
            from offerkit.contacts.sqlite import SqliteTable

            return SqliteTable(url, root, source.table, where)
        case "postgresql" | "postgres":
            from offerkit.contacts.postgres import PostgresTable

            return PostgresTable(url, source.table, where)
        case "":
            named = f"the value of {source.url_env}" if source.url_env else "the source's url"
            raise refuse(Code.CONTACTS_URL, f"{named} is not the URL of a database", hint=_SUPPORTED)
        case other:
            kind = other if other.isascii() and other.replace("+", "").isalnum() and len(other) < 40 else "of this kind"
            raise refuse(Code.CONTACTS_URL, f"databases {kind} are not supported for contacts", hint=_SUPPORTED)
