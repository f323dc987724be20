"""The location of a store: a path, or the address of a PostgreSQL database."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias
from unicodedata import category, normalize
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from offerkit.diagnostics import Code, Refused, is_secret, refuse, secrets_of

SCHEMA = "offerkit"
"""The schema of a store in PostgreSQL, unless its address says ``?schema=NAME``."""
_SCHEMA = re.compile(r"[a-z_][a-z0-9_]{0,62}")


@dataclass(frozen=True, slots=True)
class PostgresAddress:
    """A store in PostgreSQL: what libpq connects to, and the store's own schema.

    ``str()`` is safe to show. ``conninfo`` can hold a password and is never shown.
    """

    conninfo: str = field(repr=False)
    schema: str
    name: str

    def __str__(self) -> str:
        return self.name


Location: TypeAlias = Path | PostgresAddress
"""Another kind of store is another type here, and a branch in :mod:`offerkit.store.databases`."""

KINDS = "a path, sqlite://PATH or postgresql://USER@HOST/DATABASE"


_CREDENTIALS = re.compile(r"(?:^|/)[^/]*:[^/]*@")
_PARAMETER = re.compile(r"[?&;\s][A-Za-z_]+\s*=")
_HOST = re.compile(r"(?:\[[^\]]*\]|[^:\[\]]*)(?::(?:[0-9]{1,4}|[1-5][0-9]{4}|6[0-5][0-9]{3})?)?")
_PLAIN = ("/", "./", "../")
"""Beginnings of a path that cannot be mistaken for an address."""


def parse_location(text: str, base: Path | None = None) -> Location:
    """The location that ``text`` names; a relative path is below ``base`` (default: the working directory).

    Raises Refused for a URL of an unknown kind or one that cannot be read, and for text that looks like an invalid
    address: it would otherwise become a file whose name holds the password. Such text is never repeated.
    """
    if not text.strip():
        raise refuse(Code.STORE_URL, "the store's name is empty", hint=f"Name {KINDS}.")
    if text != text.strip() or any(category(letter) in ("Cc", "Zl", "Zp") for letter in text):
        raise _unreadable("it has a control character, or begins or ends with a blank")
    scheme, separator, rest = text.partition("://")
    if not separator:
        _check_path(text)
        return _below(base, text)
    match scheme.lower():
        case "sqlite":
            if not rest:
                raise refuse(Code.STORE_URL, "sqlite:// names no file", hint=f"Name {KINDS}.")
            return _below(base, rest)
        case "postgresql" | "postgres":
            return _postgres(text)
        case _:
            is_scheme = re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]{0,30}", scheme)
            raise refuse(
                Code.STORE_URL,
                f"unknown kind of store: {scheme}://" if is_scheme else "the store's address cannot be read",
                hint=f"Name {KINDS}.",
            )


def _below(base: Path | None, path: str) -> Path:
    return (base or Path()).absolute() / path


def _check_path(text: str) -> None:
    """Raises Refused for a path that may be a mistyped address. A leading ``./`` marks it as a path.

    By RFC 3986 (4.2), a relative path has no colon in its first segment: that would be a scheme.
    """
    if text.startswith(("./", "../")):
        return
    meant = normalize("NFKC", unquote(text))  # as a reader sees it: %3A and full-width colons are colons, too
    first_segment = meant.partition("/")[0]
    odd = _CREDENTIALS.search(meant) or _PARAMETER.search(meant) or meant.startswith("//")
    if odd or (not meant.startswith(_PLAIN) and ("\\" in meant or any(sign in first_segment for sign in ":@=?"))):
        raise refuse(
            Code.STORE_URL,
            "the store's name looks like an address that offerkit cannot read",
            detail="It is not shown, since it may hold a password. No file was created.",
            hint="Write postgresql://USER@HOST/DATABASE or https://HOST, with two slashes. If it is the name of a"
            " file, begin it with ./ (“./a:b.db”) or sqlite://.",
        )


def _postgres(url: str) -> PostgresAddress:
    if secrets_of(url) is None or not url.isprintable():
        raise _unreadable("a character of the user or password is not escaped")
    try:
        parts = urlsplit(url)
        options = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError:
        raise _unreadable("its options must be NAME=VALUE, joined by &") from None
    schemas = [value for name, value in options if name == "schema"]
    schema = schemas[-1] if schemas else SCHEMA
    if not _SCHEMA.fullmatch(schema) or schema.startswith("pg_") or schema in ("public", "information_schema"):
        raise _unreadable(
            "the store needs a schema of its own: small letters, digits and _, not “public” and none of PostgreSQL's"
        )
    libpq_options = [(name, value) for name, value in options if name != "schema"]
    if re.search(r"[:@=\s]", unquote(parts.path)):  # libpq reads NAME=VALUE there, too
        raise _unreadable("the database's name has a blank or one of : @ =, as if it were an address")
    user, separator, host = parts.netloc.rpartition("@")
    if not all(_HOST.fullmatch(host_and_port) for host_and_port in unquote(host).split(",")):
        raise _unreadable("the port is not a number, as if user and password were in place of the host")
    shown = [(name, value) for name, value in libpq_options if not is_secret(name)]
    shown += [("schema", schema)] if schema != SCHEMA else []
    clear = f"{user.partition(':')[0]}{separator}{host}"
    return PostgresAddress(_url(parts.netloc, parts.path, libpq_options), schema, _url(clear, parts.path, shown))


def _url(netloc: str, path: str, options: list[tuple[str, str]]) -> str:
    query = f"?{urlencode(options, safe='/', quote_via=quote)}" if options else ""
    return "".join(letter for letter in f"postgresql://{netloc}{path}{query}" if letter.isprintable())


def _unreadable(reason: str) -> Refused:
    return refuse(
        Code.STORE_URL,
        f"the store's address cannot be read: {reason}",
        detail="It is not shown, since it may hold a password.",
        hint="Write postgresql://USER@HOST/DATABASE?schema=NAME, with %40 for @, %2F for /, %3A for : in a password."
        " Better keep the password in PGPASSWORD or ~/.pgpass.",
    )
