"""The live stage of the benchmark of decisions as a project that can be served: a store, and contacts in a file."""

from __future__ import annotations

import csv
import itertools
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import orjson
from decisions_catalog import ENVIRONMENT, Shape, history, live
from decisions_rules import NOW, contact_name, contacts

from offerkit.address import Stage, parse_address
from offerkit.fingerprint import Json, canonical, fingerprint
from offerkit.models.status import Status
from offerkit.rules.values import show
from offerkit.state.changes import Body, Entry
from offerkit.store import ChangeRow, Draft, Location, PropositionRow, Store

HISTORIES = 200
"""Distinct histories; contacts share them."""
PROFILES = 20_000
"""Distinct profiles, beside the keys."""
CHUNK = 20_000


def utc(moment: datetime) -> str:
    """A moment as the store writes it."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def write_project(
    root: Path, location: Location, offers: int, people: int, offered: int = 0, format_: str = "csv"
) -> None:
    """Make the project below ``root`` with its store at ``location``: ``offers`` live, contacts as ``format_``.

    So many contacts, evenly spread over the file, have been ``offered`` something, 20 propositions each (0: all).
    """
    for folder in ("specs", "environments", "data"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    source = CONTACTS[format_](root / "data", people)
    shape = Shape(offers)
    made = live(shape)
    bodies = {address: dict(body) for address, body in made.bodies.items()}
    bodies[parse_address("dimension.recipient")]["source"] = source
    changes, texts = [], {}
    for address, body in sorted(bodies.items()):
        text = canonical(body)
        print_ = fingerprint(address.kind, text)
        texts[print_] = Body(address.kind, text.decode())
        stage = address.stage(Stage.LIVE)
        changes.append(ChangeRow(0, stage, address, "create", None, Entry(print_, made.activated.get(address))))
    with Store.open(location, create=True) as store:
        with store.transaction():
            store.append(Draft("promote", "benchmark", utc(NOW), changes=tuple(changes), bodies=texts))
        rows = _history(shape, range(0, people, people // (offered or people)))
        while chunk := list(itertools.islice(rows, CHUNK)):
            with store.recording():
                store.add_propositions(chunk)


def _people(count: int) -> Iterator[tuple[str, ...]]:
    """The names of the columns, then a row for each contact; from some number on, profiles occur again."""
    found = [contact.recipient for contact in contacts(min(count, PROFILES))]
    yield tuple(found[0])
    rows = [["" if value is None else show(value) for value in profile.values()] for profile in found]
    for number in range(count):
        name = contact_name(number)
        yield name, f"{name}@example.com", *rows[number % PROFILES][2:]


def _csv(folder: Path, count: int) -> dict[str, Json]:
    with (folder / "contacts.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(_people(count))
    return {"format": "csv", "path": "data/contacts.csv"}


def _jsonl(folder: Path, count: int) -> dict[str, Json]:
    rows = _people(count)
    names = next(rows)
    with (folder / "contacts.jsonl").open("wb") as file:
        file.writelines(orjson.dumps(dict(zip(names, row, strict=True))) + b"\n" for row in rows)
    return {"format": "jsonl", "path": "data/contacts.jsonl"}


def _sqlite(folder: Path, count: int) -> dict[str, Json]:
    rows = _people(count)
    names = next(rows)
    with closing(sqlite3.connect(folder / "contacts.db")) as target:
        target.execute(f"CREATE TABLE contact ({', '.join(names)}, PRIMARY KEY (id)) WITHOUT ROWID")
        target.executemany(f"INSERT INTO contact VALUES ({', '.join('?' * len(names))})", rows)
        target.commit()
    return {"format": "sql", "url": "sqlite:///data/contacts.db", "table": "contact"}


CONTACTS: dict[str, Callable[[Path, int], dict[str, Json]]] = {"csv": _csv, "jsonl": _jsonl, "sqlite": _sqlite}
"""What writes contacts in each format, and gives the source to declare."""


def _history(shape: Shape, people: Iterable[int]) -> Iterator[PropositionRow]:
    past = [history(shape, str(number)) for number in range(HISTORIES)]
    numbers = itertools.count()
    shift = datetime.now(UTC) - NOW
    for number in people:
        for each in past[number % HISTORIES]:
            moment = utc(each.time + shift - timedelta(seconds=1))
            yield PropositionRow(
                f"p{next(numbers)}",
                ENVIRONMENT,
                contact_name(number),
                each.space,
                each.channel,
                each.offer,
                each.category,
                f"i{number}",
                each.rank,
                Decimal(each.weight),
                Status(each.status),
                moment,
                moment,
                1,
            )
