"""A small project for ``lint``: each test writes what it is about, with ``‸`` before the place of the finding."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from offerkit.diagnostics import Diagnostic
from offerkit.specs import Project
from offerkit.usecases.lint import Linted, lint
from offerkit.usecases.local_backend import LOCAL
from offerkit.usecases.session import Session

MARK = "‸"
NOW = "2026-06-15T10:00:00.000000Z"
ENVIRONMENT = """version: 1
environment:
  dimension: person
  typology: t
  time_zone: Europe/Paris
  call_data:
    page: {type: string}
"""
SHARED = """version: 1
dimensions:
  person:
    key: [id]
    fields:
      id: {type: integer}
      age: {type: integer}
      country: {type: string}
      segment: {type: enumeration, values: [mass, affluent, private]}
      score: {type: decimal}
      since: {type: date}
"""
SPACES = """version: 1
spaces:
  web: {channel: inbound-web, unitary: true, fields: [{name: title}], identification: {keys: [id]}}
  app: {channel: inbound-mobile, unitary: true, fields: [{name: title}], identification: {keys: [id]}}
typologies:
  t: {rules: []}
"""
SPECS = "specs/shop/catalog.yaml"
FILES = {"environments/shop.yaml": ENVIRONMENT, "specs/shared.yaml": SHARED, "specs/shop/spaces.yaml": SPACES}


class Place(NamedTuple):
    """A line and column of a file."""

    file: str
    line: int
    column: int


def written(root: Path, text: str, files: dict[str, str] | None = None) -> list[Place]:
    """Write a project with ``text`` as its catalog; the places of the marks in it, which are not written."""
    places = []
    for file, content in {**FILES, **(files or {}), SPECS: f"version: 1\n{text}"}.items():
        lines = content.split("\n")
        for number, line in enumerate(lines, 1):
            while (column := line.find(MARK)) >= 0:
                places.append(Place(file, number, column + 1))
                line = line.replace(MARK, "", 1)
            lines[number - 1] = line
        path = root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(lines), encoding="utf-8")
    return places


def session(root: Path, now: str = NOW) -> Session:
    """A run in the project, at a fixed time."""
    return Session(Project(root), now, backend=LOCAL)


def linted(root: Path, state: str = "specs", at: str = "") -> Linted:
    """What ``lint`` finds in a project."""
    return lint(session(root), state, at)


def place(diagnostic: Diagnostic) -> Place:
    """Where a finding is."""
    assert diagnostic.position is not None
    return Place(*diagnostic.position)
