"""Resource bodies (the table ``snapshot``): immutable, each named by its fingerprint."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from offerkit.diagnostics import Code, refuse
from offerkit.fingerprint import fingerprint
from offerkit.state.changes import Body
from offerkit.store import errors
from offerkit.store.database import Database, chunks

PAGE = 4096


def bodies(db: Database, fingerprints: Iterable[str]) -> dict[str, Body]:
    """The bodies with these fingerprints, checked. Raises Refused when one is missing or was edited."""
    bodies_by_fingerprint: dict[str, Body] = {}
    for marks, part in chunks(fingerprints):
        rows: list[tuple[str, str, str]] = db.rows(
            f"SELECT fingerprint, kind, body FROM snapshot WHERE fingerprint IN ({marks})",  # noqa: S608
            part,
        )
        for print_, kind, text in rows:
            if not is_named(print_, kind, text):
                raise errors.damaged(db.name, f"The body of snapshot {print_[:12]} was edited")
            bodies_by_fingerprint[print_] = Body(kind, text)
        if len(rows) < len(part):
            missing_print = next(print_ for print_ in part if print_ not in bodies_by_fingerprint)
            raise errors.damaged(db.name, f"Snapshot {missing_print[:12]} is missing")
    return bodies_by_fingerprint


def known(db: Database, fingerprints: Iterable[str]) -> set[str]:
    """Those of ``fingerprints`` whose bodies are stored."""
    stored: set[str] = set()
    for marks, part in chunks(fingerprints):
        sql = f"SELECT fingerprint FROM snapshot WHERE fingerprint IN ({marks})"  # noqa: S608 - only marks
        rows: list[tuple[str]] = db.rows(sql, part)
        stored.update(print_ for (print_,) in rows)
    return stored


def every(db: Database) -> Iterator[tuple[str, str, str]]:
    """Fingerprint, kind and text of all bodies, read a page at a time."""
    last = ""
    while True:
        page: list[tuple[str, str, str]] = db.rows(
            "SELECT fingerprint, kind, body FROM snapshot WHERE fingerprint > ? ORDER BY fingerprint LIMIT ?",
            (last, PAGE),
        )
        yield from page
        if len(page) < PAGE:
            return
        last = page[-1][0]


def missing(db: Database, needed: set[str], given: Mapping[str, Body]) -> list[tuple[str, str, str]]:
    """The rows to add so that all ``needed`` are stored. Raises Refused when ``given`` lacks one."""
    rows = []
    for print_ in sorted(needed - known(db, needed)):
        body = given.get(print_)
        if body is None or not is_named(print_, body.kind, body.text):
            fault = "lacks a body" if body is None else "has a wrong body"
            raise refuse(
                Code.PLAN_UNREADABLE,
                f"the plan {fault} for fingerprint {print_[:12]}",
                detail="A plan must have every body, named by the SHA-256 of its bytes.",
                hint="Make the plan again.",
            )
        rows.append((print_, body.kind, body.text))
    return rows


def put(db: Database, rows: list[tuple[str, str, str]]) -> None:
    """Add bodies, which must be sorted so that the index grows at its end."""
    db.run_many(
        "INSERT INTO snapshot (fingerprint, kind, body) VALUES (?, ?, ?) ON CONFLICT (fingerprint) DO NOTHING",
        rows,
    )


def is_named(print_: str, kind: str, text: str) -> bool:
    """Whether ``print_`` is the fingerprint of that body."""
    return isinstance(kind, str) and isinstance(text, str) and fingerprint(kind, text.encode()) == print_
