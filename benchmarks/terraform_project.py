"""Writes the catalog as a Terraform project, one ``terraform_data`` for each resource, with state if wanted.

Why the state can be written directly: bringing Terraform to where a plan has nothing to do takes an apply
whose time grows with the square of the number of resources. The state written here is what that apply would
leave, ids apart; the benchmark checks that on a small project each time it runs (`same_state`), and on every
project that Terraform itself then reports no changes.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import TypeAlias

import catalog
from catalog import Ref, Resource, Shape, Value
from offerkit_project import CATEGORIES_PER_FILE, OFFERS_PER_FILE

Json: TypeAlias = "str | bool | int | float | list[Json] | dict[str, Json] | None"

PROVIDER = 'provider["terraform.io/builtin/terraform"]'
NAMESPACE = uuid.UUID("5d9e7f8e-27a5-4d8a-9b1e-6f3f3c1f6a10")
IDENTIFIER = re.compile(r"[A-Za-z_][\w-]*")


def write_project(root: Path, shape: Shape) -> None:
    """Write every file of the project, cut into files as the offerkit project is."""
    root.mkdir(parents=True, exist_ok=True)
    write_resources(root / "main.tf", small_resources(shape))
    categories = list(catalog.categories(shape))
    for start in range(0, len(categories), CATEGORIES_PER_FILE):
        path = root / f"categories-{start // CATEGORIES_PER_FILE:04d}.tf"
        write_resources(path, categories[start : start + CATEGORIES_PER_FILE])
    for number in range(0, shape.offers, OFFERS_PER_FILE):
        write_offer_file(root, shape, number)


def small_resources(shape: Shape) -> Iterator[Resource]:
    """Yield all that is neither a category nor an offer."""
    yield catalog.dimension()
    yield from catalog.operators()
    yield catalog.environment()
    yield from catalog.spaces(shape)
    yield from catalog.filters(shape)
    yield from catalog.templates(shape)


def write_offer_file(root: Path, shape: Shape, number: int, revision: int = 0) -> None:
    """Write the one file that holds an offer, which alone is given the revision."""
    first = number - number % OFFERS_PER_FILE
    numbers = range(first, min(first + OFFERS_PER_FILE, shape.offers))
    offers = [catalog.offer(shape, each, revision if each == number else 0) for each in numbers]
    write_resources(root / f"offers-{first // OFFERS_PER_FILE:05d}.tf", offers)


def write_resources(path: Path, resources: Iterable[Resource]) -> None:
    """Write resource blocks, in the order given."""
    path.write_text("\n".join(hcl(resource) for resource in resources), encoding="utf-8")


def label(ref: Ref) -> str:
    """Return the name of a resource in HCL, where neither slash nor a leading digit is allowed."""
    return f"{ref.kind}_{re.sub(r'[^A-Za-z0-9]+', '_', ref.name)}"


def inputs(resource: Resource) -> dict[str, Value]:
    """Return the fields of a resource with its parent, which YAML has in the name."""
    parent: dict[str, Value] = {"parent": resource.parent} if resource.parent else {}
    return {**resource.fields, **parent}


def hcl(resource: Resource) -> str:
    """Return one resource block."""
    name = label(Ref(resource.kind, resource.name))
    body = expression(inputs(resource), "  ")
    return f'resource "terraform_data" "{name}" {{\n  input = {body}\n}}\n'


def expression(value: Value, indent: str) -> str:
    """Return a value as an HCL expression."""
    match value:
        case bool():
            return "true" if value else "false"
        case Ref():
            return f"terraform_data.{label(value)}.id"
        case str():
            return json.dumps(value, ensure_ascii=False)
        case date():
            return json.dumps(value.isoformat())
        case int() | float():
            return repr(value)
        case Mapping():
            inner = indent + "  "
            lines = [f"{inner}{attribute(key)} = {expression(each, inner)}\n" for key, each in value.items()]
            return "{\n" + "".join(lines) + indent + "}"
        case _:
            return "[" + ", ".join(expression(each, indent) for each in value) + "]"


def attribute(key: str) -> str:
    """Return a key of an object, quoted when it must be."""
    return key if IDENTIFIER.fullmatch(key) else json.dumps(key)


def identifier(ref: Ref) -> str:
    """Return the id that the written state gives a resource; Terraform takes whatever is there."""
    return str(uuid.uuid5(NAMESPACE, label(ref)))


def write_state(root: Path, shape: Shape, version: str) -> None:
    """Write the state file that applying the project would leave, one resource at a time to stay small."""
    small = [*small_resources(shape), *catalog.categories(shape)]
    closure = dependencies({Ref(each.kind, each.name): each.references for each in small})
    offers = (catalog.offer(shape, number) for number in range(shape.offers))
    head = {"version": 4, "terraform_version": version, "serial": 1, "lineage": str(NAMESPACE), "outputs": {}}
    with (root / "terraform.tfstate").open("w", encoding="utf-8") as file:
        file.write(json.dumps(head)[:-1] + ', "resources": [\n')
        for position, resource in enumerate([*small, *offers]):
            file.write((",\n" if position else "") + json.dumps(state_entry(resource, closure)))
        file.write('\n], "check_results": null}\n')


def dependencies(direct: Mapping[Ref, tuple[Ref, ...]]) -> Callable[[Ref], frozenset[Ref]]:
    """Return a function that gives a resource with all it depends on, near and far, as Terraform records."""
    known: dict[Ref, frozenset[Ref]] = {}

    def closure(ref: Ref) -> frozenset[Ref]:
        if ref not in known:
            known[ref] = frozenset({ref}).union(*(closure(each) for each in direct[ref]))
        return known[ref]

    return closure


def state_entry(resource: Resource, closure: Callable[[Ref], frozenset[Ref]]) -> dict[str, Json]:
    """Return a resource as it stands in the state file, format 4."""
    held: Json = {"value": state_value(inputs(resource)), "type": state_type(inputs(resource))}
    ref = Ref(resource.kind, resource.name)
    instance: dict[str, Json] = {
        "schema_version": 0,
        "attributes": {"id": identifier(ref), "input": held, "output": held, "triggers_replace": None},
        "sensitive_attributes": [],
        "identity_schema_version": 0,
    }
    needed = frozenset[Ref]().union(*(closure(each) for each in resource.references))
    if needed:
        instance["dependencies"] = [*sorted(f"terraform_data.{label(each)}" for each in needed)]
    entry: dict[str, Json] = {
        "mode": "managed",
        "type": "terraform_data",
        "name": label(ref),
        "provider": PROVIDER,
        "instances": [instance],
    }
    return entry


def same_state(written: str, applied: str) -> bool:
    """Tell whether a written state says what Terraform's own does; ids are random, so names replace them."""
    return by_name(written) == by_name(applied)


def by_name(state: str) -> Json:
    """Return the resources of a state by name, each id replaced with the name of its resource."""
    for resource in json.loads(state)["resources"]:
        state = state.replace(resource["instances"][0]["attributes"]["id"], resource["name"])
    return {resource["name"]: resource for resource in json.loads(state)["resources"]}


def state_value(value: Value) -> Json:
    """Return a value as the state file has it: a reference has become the id it stood for."""
    match value:
        case Ref():
            return identifier(value)
        case date():
            return value.isoformat()
        case bool() | str() | int() | float():
            return value
        case Mapping():
            return {key: state_value(each) for key, each in value.items()}
        case _:
            return [state_value(each) for each in value]


def state_type(value: Value) -> Json:
    """Return the type that the state file records beside a value of a dynamic type."""
    match value:
        case bool():
            return "bool"
        case Ref() | date() | str():
            return "string"
        case int() | float():
            return "number"
        case Mapping():
            return ["object", {key: state_type(each) for key, each in value.items()}]
        case _:
            return ["tuple", [state_type(each) for each in value]]
