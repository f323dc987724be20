"""Writes the catalog as an offerkit project, in the YAML a person would write."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path

import catalog
from catalog import Ref, Resource, Shape, Value

OFFERS_PER_FILE = 25
CATEGORIES_PER_FILE = 100
FLOW_WIDTH = 72
PLAIN = re.compile(r"[A-Za-z][\w ./<>='-]*[\w.>')]|[A-Za-z]")
SECTIONS = {
    "dimension": "dimensions",
    "operator": "operators",
    "space": "spaces",
    "filter": "filters",
    "template": "templates",
    "category": "categories",
    "offer": "offers",
}


def write_project(root: Path, shape: Shape) -> None:
    """Write every file of the project."""
    specs = root / "specs" / "recipients"
    (specs / "offers").mkdir(parents=True, exist_ok=True)
    (specs / "categories").mkdir(parents=True, exist_ok=True)
    (root / "environments").mkdir(exist_ok=True)
    environment = {"environment": catalog.environment().fields}
    (root / "environments" / "recipients.yaml").write_text(document(environment), encoding="utf-8")
    write_resources(root / "specs" / "shared.yaml", [catalog.dimension(), *catalog.operators()])
    write_resources(specs / "spaces.yaml", catalog.spaces(shape))
    write_resources(specs / "filters.yaml", catalog.filters(shape))
    write_resources(specs / "templates.yaml", catalog.templates(shape))
    categories = list(catalog.categories(shape))
    for start in range(0, len(categories), CATEGORIES_PER_FILE):
        path = specs / "categories" / f"categories-{start // CATEGORIES_PER_FILE:04d}.yaml"
        write_resources(path, categories[start : start + CATEGORIES_PER_FILE])
    for number in range(0, shape.offers, OFFERS_PER_FILE):
        write_offer_file(root, shape, number)


def write_offer_file(root: Path, shape: Shape, number: int, revision: int = 0) -> None:
    """Write the one file that holds an offer, which alone is given the revision."""
    first = number - number % OFFERS_PER_FILE
    numbers = range(first, min(first + OFFERS_PER_FILE, shape.offers))
    offers = [catalog.offer(shape, each, revision if each == number else 0) for each in numbers]
    path = root / "specs" / "recipients" / "offers" / f"offers-{first // OFFERS_PER_FILE:05d}.yaml"
    write_resources(path, offers)


def write_resources(path: Path, resources: Iterable[Resource]) -> None:
    """Write resources under their sections, in the order given."""
    sections: dict[str, dict[str, Value]] = {}
    for resource in resources:
        sections.setdefault(SECTIONS[resource.kind], {})[resource.name] = resource.fields
    path.write_text(document(sections), encoding="utf-8")


def document(sections: Mapping[str, Value]) -> str:
    """Return a whole spec file."""
    text = ["version: 1"]
    for name, body in sections.items():
        assert isinstance(body, Mapping)
        text.append(f"{name}:")
        text.extend(block(body, "  ", flow_allowed=name == "environment"))
    return "\n".join(text) + "\n"


def block(mapping: Mapping[str, Value], indent: str, *, flow_allowed: bool = True) -> Iterator[str]:
    """Yield the lines of a map; what is short goes on one line, except a resource's own body."""
    for key, value in mapping.items():
        short = flow(value)
        if not isinstance(value, Mapping | list) or (flow_allowed and len(short) <= FLOW_WIDTH):
            yield f"{indent}{key}: {short}"
        elif isinstance(value, Mapping):
            yield f"{indent}{key}:"
            yield from block(value, indent + "  ")
        else:
            yield f"{indent}{key}:"
            yield from items(value, indent + "  ")


def items(values: Iterable[Value], indent: str) -> Iterator[str]:
    """Yield the lines of a list."""
    for value in values:
        short = flow(value)
        if isinstance(value, Mapping) and len(short) > FLOW_WIDTH:
            lines = list(block(value, indent + "  "))
            yield f"{indent}- {lines[0].lstrip()}"
            yield from lines[1:]
        else:
            yield f"{indent}- {short}"


def flow(value: Value) -> str:
    """Return a value on one line."""
    match value:
        case bool():
            return "true" if value else "false"
        case Ref():
            return value.name
        case str():
            return value if PLAIN.fullmatch(value) else json.dumps(value, ensure_ascii=False)
        case date():
            return value.isoformat()
        case int() | float():
            return repr(value)
        case Mapping():
            return "{" + ", ".join(f"{key}: {flow(inner)}" for key, inner in value.items()) + "}"
        case _:
            return "[" + ", ".join(flow(inner) for inner in value) + "]"
