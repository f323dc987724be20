"""What --store may name, and what is never printed of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from offerkit.diagnostics import Code, Refused
from offerkit.store import parse_location
from offerkit.store.location import PostgresAddress


def test_paths() -> None:
    assert parse_location("a/b.db") == Path("a/b.db").absolute()
    assert parse_location("sqlite://a/b.db") == Path("a/b.db").absolute()


@pytest.mark.parametrize(
    ("url", "conninfo", "schema", "shown"),
    [
        ("postgresql://h/d", "postgresql://h/d", "offerkit", "postgresql://h/d"),
        ("postgres://u:p%40w@h:5/d", "postgresql://u:p%40w@h:5/d", "offerkit", "postgresql://u@h:5/d"),
        ("postgresql:///d?host=/tmp&schema=x", "postgresql:///d?host=/tmp", "x", "postgresql:///d?host=/tmp&schema=x"),
        ("postgresql://?service=team", "postgresql://?service=team", "offerkit", "postgresql://?service=team"),
        (
            "postgresql://u@h/d?password=s3&sslkey=k&sslmode=require&sslpassword=s4",
            "postgresql://u@h/d?password=s3&sslkey=k&sslmode=require&sslpassword=s4",
            "offerkit",
            "postgresql://u@h/d?sslmode=require",
        ),
        ("postgresql://u:x@a:1,b:2/d", "postgresql://u:x@a:1,b:2/d", "offerkit", "postgresql://u@a:1,b:2/d"),
        ("postgresql://h/d?options=-c%20a%3Db%20c", "postgresql://h/d?options=-c%20a%3Db%20c", "offerkit", "postgresql://h/d?options=-c%20a%3Db%20c"),
    ],
)  # fmt: skip
def test_addresses(url: str, conninfo: str, schema: str, shown: str) -> None:
    found = parse_location(url)
    assert isinstance(found, PostgresAddress)
    assert (found.conninfo, found.schema, str(found)) == (conninfo, schema, shown)
    assert "s3" not in repr(found) and "p%40w" not in repr(found)


@pytest.mark.parametrize(
    "url",
    [
        "https://u:secret@h/x", "mysql://u:secret@h/x", "://secret", "a b secret://x", "postgresql://u:se@cret@h/d",
        "postgresql://u:sec/ret@h/d", "postgresql://u:secret@h/d?schema=public", "postgresql://u:secret@h/d?schema=",
        "postgresql://u:secret@h/d?schema=a%22;drop", "postgresql://u:secret@h/d?schema=pg_x", "postgresql://[u:secret@h/d",
        "postgresql://u:secret@h/d?nonsense", "postgresql://u:secret@h/\0d",
    ],
)  # fmt: skip
def test_what_is_no_location(url: str) -> None:
    with pytest.raises(Refused) as refused:
        parse_location(url)
    (found,) = refused.value.diagnostics
    assert found.code is Code.STORE_URL
    assert "postgresql://USER@HOST/DATABASE" in found.hint
    assert not {"secret", "cret", "ret@", "sec/"} & {
        part for part in ("secret", "cret", "ret@", "sec/") if part in str(found)
    }
