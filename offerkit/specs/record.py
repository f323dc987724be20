"""Resources as the checks see them: position, fingerprint, references, and a few facts.

Records are small on purpose: a project of 100,000 offers is checked without keeping its bodies.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from offerkit.address import Address, Kind
from offerkit.diagnostics import Code, Position
from offerkit.fingerprint import JsonPath
from offerkit.state.references import Ref


class Expression(NamedTuple):
    """A condition or formula: its text at ``path``, its role, and the kind of result it must have.

    Both stay plain text here, so that a run without changes imports neither enumeration.
    """

    path: JsonPath
    text: str
    role: str
    expected: str


class Misfit(NamedTuple):
    """A text at ``path`` that is not valid for a field of ``format`` (``url``, ``html``): why, and at which offset."""

    path: JsonPath
    format: str
    reason: str
    offset: int


class DeclaredField(NamedTuple):
    """A field that an environment declares for its offers: its type, whether each offer needs it, and its range."""

    name: str
    type: str
    values: tuple[str, ...]
    required: bool
    least: str | None
    most: str | None


class ResourceFacts(NamedTuple):
    """What the checks between resources need to know about one; unused parts stay empty.

    ``fields``: content fields an offer or template gives, fields of a space or dimension, call data of an
    environment, accounts of an operator (``github:1234``), their SSH keys (``key:SHA256:…``).
    ``required``: a space's required fields, a filter's parameters without default.
    ``representations``: fields given, by space; slots of messages with a body, by delivery.
    ``spaces``: an offer's explicit spaces. ``keys``: identification keys; an operator's e-mail; what
    a policy applies to; an environment's call-data examples.
    ``variables``: the dotted names its templates use, and those that deliveries get at a run, with the path of each.
    ``flags``: anonymous, assets, unitary, visitors, outbound, web, evidence, unstored,
    automation.
    ``types``: name, type and an enumeration's values of a dimension's fields, of call data, of parameters, of a space's
    fields. ``themes``: those that an offer, template or category carries and that a space or campaign asks for, with
    their paths. ``misfits``: texts that are no URL (“asset”: unless it is a path below the
    environment's assets; “path”: not even that), or no HTML that may be shown.
    ``filter_values``: values for a filter's parameters, with the path of the filter's use.
    ``product_fields``: name, type and an enumeration's values of what an environment declares for products.
    ``offer_fields``: what an environment declares for its offers. ``field_values``: what an offer, template or category
    gives for them.
    """

    fields: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    representations: Mapping[str, tuple[str, ...]] = {}
    spaces: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    variables: tuple[tuple[str, JsonPath], ...] = ()
    flags: tuple[str, ...] = ()
    types: tuple[tuple[str, str, tuple[str, ...]], ...] = ()
    themes: tuple[tuple[str, JsonPath], ...] = ()
    product_fields: tuple[tuple[str, str, tuple[str, ...]], ...] = ()
    misfits: tuple[Misfit, ...] = ()
    expressions: tuple[Expression, ...] = ()
    filter_values: tuple[tuple[JsonPath, Mapping[str, str]], ...] = ()
    offer_fields: tuple[DeclaredField, ...] = ()
    field_values: Mapping[str, str | tuple[str, ...]] = {}


class Record(NamedTuple):
    """One declared resource. ``valid`` is false when its own checks failed; its name is known even then."""

    address: Address
    environment: str
    kind: Kind
    name: str
    fingerprint: str
    position: Position
    refs: tuple[Ref, ...] = ()
    facts: ResourceFacts = ResourceFacts()
    valid: bool = True

    def target_at(self, path: JsonPath) -> Address | None:
        """What the name at ``path`` refers to; None where no name stands."""
        for ref in self.refs:  # of a named tuple, a part is faster than all
            if ref.path == path:
                return ref.target
        return None


@dataclass(frozen=True, slots=True)
class Mistake:
    """A mistake between resources; parse.py turns it into a diagnostic with its exact position.

    ``offset``: the character inside the text at ``path`` that it is about; ``named``: the name that it is about,
    inside a template or in a list of names, whose order a resource may have changed.
    """

    record: Record
    path: JsonPath
    code: Code
    summary: str
    detail: str = ""
    hint: str = ""
    on_key: bool = False
    related: tuple[tuple[str, Record], ...] = ()
    offset: int | None = None
    named: str = ""


@dataclass(frozen=True, slots=True)
class Index:
    """All records by address, and by environment and kind."""

    by_address: dict[Address, Record]
    groups: dict[tuple[str, Kind], dict[str, Record]] = field(default_factory=dict)

    @classmethod
    def of(cls, records: Iterable[Record]) -> Index:
        """The index of ``records``; of two with one address the first counts."""
        index = cls({})
        for record in records:
            if record.address in index.by_address:
                continue
            index.by_address[record.address] = record
            index.groups.setdefault((record.environment, record.kind), {})[record.name] = record
        return index

    def group(self, environment: str, kind: Kind) -> dict[str, Record]:
        """The records of a kind in an environment, by name."""
        return self.groups.get((environment, kind), {})

    @property
    def environments(self) -> list[str]:
        """The declared environments' names, sorted."""
        return sorted(name for name, kind in self.groups if kind is Kind.ENVIRONMENT)
