"""The live stage of the benchmark of decisions as a project that can be served: a store, and contacts in a file."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

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
CHUNK = 20_000


def utc(moment: datetime) -> str:
    """A moment as the store writes it."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def write_project(root: Path, location: Location, offers: int, people: int) -> None:
    """Make the project below ``root`` with its store at ``location``: ``offers`` live, 20 propositions a contact."""
    for folder in ("specs", "environments", "data"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    _contacts(root / "data/contacts.csv", people)
    shape = Shape(offers)
    made = live(shape)
    source: dict[str, Json] = {"format": "csv", "path": "data/contacts.csv"}
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
        rows = _history(shape, people)
        while chunk := list(itertools.islice(rows, CHUNK)):
            with store.recording():
                store.add_propositions(chunk)


def _contacts(path: Path, people: int) -> None:
    found = contacts(people)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(found[0].recipient)
        for contact in found:
            writer.writerow("" if value is None else show(value) for value in contact.recipient.values())


def _history(shape: Shape, people: int) -> Iterator[PropositionRow]:
    past = [history(shape, str(number)) for number in range(HISTORIES)]
    numbers = itertools.count()
    shift = datetime.now(UTC) - NOW
    for number in range(people):
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
