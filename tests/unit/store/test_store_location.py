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
        (
            "postgresql://h/d?options=-c%20a%3Db%20c",
            "postgresql://h/d?options=-c%20a%3Db%20c",
            "offerkit",
            "postgresql://h/d?options=-c%20a%3Db%20c",
        ),
    ],
)
def test_addresses(url: str, conninfo: str, schema: str, shown: str) -> None:
    found = parse_location(url)
    assert isinstance(found, PostgresAddress)
    assert (found.conninfo, found.schema, str(found)) == (conninfo, schema, shown)
    assert "s3" not in repr(found) and "p%40w" not in repr(found)


@pytest.mark.parametrize(
    "url",
    [
        "https://u:secret@h/x",
        "mysql://u:secret@h/x",
        "://secret",
        "a b secret://x",
        "postgresql://u:se@cret@h/d",
        "postgresql://u:sec/ret@h/d",
        "postgresql://u:secret@h/d?schema=public",
        "postgresql://u:secret@h/d?schema=",
        "postgresql://u:secret@h/d?schema=a%22;drop",
        "postgresql://u:secret@h/d?schema=pg_x",
        "postgresql://[u:secret@h/d",
        "postgresql://u:secret@h/d?nonsense",
        "postgresql://u:secret@h/\0d",
        "postgresql://ada:secret/d",
        "postgresql://ada@h:secret/d",
        "postgresql://h:1,h:secret/d",
        "postgresql://h:99999/secret",
        "postgresql://h/user=a password=secret",
        "postgresql://h/password%3Dsecret",
        "postgresql://ada:secret",
    ],
)
def test_what_is_no_location(url: str) -> None:
    with pytest.raises(Refused) as refused:
        parse_location(url)
    (found,) = refused.value.diagnostics
    assert found.code is Code.STORE_URL
    assert "postgresql://USER@HOST/DATABASE" in found.hint
    assert not {"secret", "cret", "ret@", "sec/"} & {
        part for part in ("secret", "cret", "ret@", "sec/") if part in str(found)
    }


@pytest.mark.parametrize(
    "text",
    [
        "postgresql:/ada:secret@h/d",
        "postgresql:ada:secret@h/d",
        "POSTGRES:/ada:secret@h/d",
        "postgresql:///ada:secret@h/d",
        "postgresql:///d%3Asecret%40h",
        "https:/ada:secret@h",
        "http:",
        "file:/srv/secret.db",
        "sqlite:/srv/secret.db",
        "ada:secret@h/d",
        "ada@h/secret",
        "h:5432/secret",
        "host=h password=secret",
        "dbname=d password=secret",
        "service=secret",
        "//ada:secret@h/d",
        "postgresql//ada:secret@h/d",
        "/srv/ada:secret@h/d",
        "h/d?password=secret",
        "store.db?mode=secret",
        "postgresql%3A%2F%2Fada%3Asecret%40h",
        "postgresql：//ada：secret＠h/d",
        r"postgresql:\\ada:secret@h\d",
        r"C:\secret.db",
        r"\\h\secret",
        " postgresql://ada:secret@h/d",
        "secret.db\n",
        "secret.db\t",
        " ",
        "sec\0ret.db",
        "secret\x1b[31m.db",
        "postgresql:\n//ada:secret@h/d",
        "sqlite://",
    ],
)
def test_what_looks_like_an_address_is_no_path(text: str) -> None:
    with pytest.raises(Refused) as refused:
        parse_location(text)
    (found,) = refused.value.diagnostics
    assert found.code is Code.STORE_URL
    assert "secret" not in str(found) and "postgresql://" in found.hint


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("./a:b@c.db", "a:b@c.db"),
        ("../x=y.db", "../x=y.db"),
        ("sqlite://a:b.db", "a:b.db"),
        ("a b/c.db", "a b/c.db"),
        ("copies/2026-01-01T10:00.db", "copies/2026-01-01T10:00.db"),
        ("über.db", "über.db"),
        ("a@1.0/b.db", ""),
        ("copies/store@live.db", "copies/store@live.db"),
    ],
)
def test_paths_are_below_their_base(text: str, path: str, tmp_path: Path) -> None:
    if not path:
        with pytest.raises(Refused):
            parse_location(text)
        return
    assert parse_location(text, tmp_path) == tmp_path / path
    assert parse_location(text) == Path.cwd() / path
    assert parse_location(f"{tmp_path}/x:y.db", Path("/nowhere")) == tmp_path / "x:y.db"
