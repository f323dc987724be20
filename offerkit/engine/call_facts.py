"""The built-in facts of a call: ``interaction.space``, ``.channel``, ``.environment`` and ``.identification``.

They stand beside the call data. Only what a catalog reads is added to a call, so that a catalog that reads none pays
nothing. Declared call data of such a name keeps its own meaning.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from offerkit.engine.identify import IdentifiedBy
from offerkit.fingerprint import Json
from offerkit.models.expression_scopes import CALL_FACTS
from offerkit.rules.types import Row, Value

if TYPE_CHECKING:
    from offerkit.engine.catalog import Catalog

BATCH = "batch"
"""The identification where all contacts are decided at once: deliveries, simulations."""
ANONYMOUS = "anonymous"
_READS = re.compile(rf"interaction\W+({'|'.join(CALL_FACTS)})\b")
"""Matches what reads a fact, in conditions and templates; it may match more."""
_AS_A_WHOLE = re.compile(r"""\{[{%][^{}]*\binteraction\b(?!\s*(?:\.|\[\s*["']))""")
"""Matches a template that gives the call another name, or computes the name that it reads."""


def facts_read(bodies: Iterable[Json], declared: Iterable[str]) -> tuple[str, ...]:
    """The built-in facts that texts in ``bodies`` may read; without those that are ``declared`` as call data."""
    texts = (text for body in bodies for text in texts_in(body) if "interaction" in text)
    found = {name for text in texts for name in (CALL_FACTS if _AS_A_WHOLE.search(text) else _READS.findall(text))}
    return tuple(name for name in CALL_FACTS if name in found.difference(declared))


def with_call_facts(catalog: Catalog, data: Row, space: str, identification: str | None) -> Row:
    """``data`` with the facts that the catalog reads, for a call to ``space``; None: how is not known."""
    if not catalog.call_facts:
        return data
    known: Mapping[str, Value] = {
        "space": space,
        "channel": catalog.spaces[space].channel if space in catalog.spaces else None,
        "environment": catalog.environment,
        "identification": identification,
    }
    return {**data, **{name: known[name] for name in catalog.call_facts}}


def identification_of(how: IdentifiedBy) -> str:
    """``interaction.identification`` of a call whose contact was identified like this."""
    match how:
        case IdentifiedBy.EXPLICIT | IdentifiedBy.IMPLICIT:
            return how.value
        case IdentifiedBy.FALLBACK | IdentifiedBy.NOBODY:
            return ANONYMOUS


def texts_in(body: Json) -> Iterator[str]:
    """All texts in a body, at any depth, but no names."""
    pending: list[Json] = [body]
    while pending:
        item = pending.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, dict):
            pending.extend(item.values())
        elif isinstance(item, list):
            pending.extend(item)
