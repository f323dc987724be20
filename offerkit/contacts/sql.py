"""Which database a ``sql`` source means: by the scheme of its URL."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from offerkit.contacts.table import Table
from offerkit.diagnostics import Code, refuse

if TYPE_CHECKING:
    from offerkit.models.dimension import Source

_SUPPORTED = "Supported are sqlite:///PATH (a file, relative to the project) and postgresql://USER@HOST/DATABASE."


def open_table(source: Source, root: Path, environ: Mapping[str, str]) -> Table:
    """The table of a ``sql`` source; nothing is connected yet.

    Raises Refused when the environment variable of ``url_env`` is not set, or the database is not supported. The
    URL itself is in no message: it may hold a password.
    """
    url = source.url
    if source.url_env:
        url = environ.get(source.url_env, "").strip()
        if not url:
            raise refuse(
                Code.CONTACTS_URL,
                f"the environment variable {source.url_env} is not set; it holds the URL of the contacts' database",
                detail=f"Its table is “{source.table}”.",
                hint=f"Set it: export {source.url_env}=postgresql://…",
            )
    where = f"the table {source.table}"
    scheme, colon, _ = url.partition("://")
    match scheme.lower() if colon else "":
        case "sqlite":
            from offerkit.contacts.sqlite_table import SqliteTable, sqlite_path

            return SqliteTable(sqlite_path(url, root), source.table, where)
        case "postgresql" | "postgres":
            from offerkit.contacts.postgres import PostgresTable

            return PostgresTable(url, source.table, where)
        case "":
            named = f"the value of {source.url_env}" if source.url_env else "the source's url"
            raise refuse(Code.CONTACTS_URL, f"{named} is not a URL of a database", hint=_SUPPORTED)
        case other:
            kind = other if other.isascii() and other.replace("+", "").isalnum() and len(other) < 40 else "of this kind"
            raise refuse(Code.CONTACTS_URL, f"databases {kind} are not supported for contacts", hint=_SUPPORTED)
