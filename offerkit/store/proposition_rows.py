"""Propositions as values, and as columns of the table ``proposition``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from sys import intern
from typing import NamedTuple, TypeAlias

import orjson

from offerkit.diagnostics import Code, refuse
from offerkit.engine.history import PastProposition
from offerkit.fingerprint import Json, canonical
from offerkit.models.status import NUMBERED, Status, status_number, status_of_number
from offerkit.times import check_utc, instant

COLUMNS = (
    "id, environment, contact, space, channel, offer, category, interaction, rank, weight, status, time, changed,"
    " revision, data, product"
)
LONGEST_KEY = 500
"""Characters of an id, an interaction or a contact's key, at most: PostgreSQL indexes up to 2,700 bytes."""
LARGEST_DATA = 65_536
"""Bytes of the extra data of one proposition, at most."""
NO_DATA = canonical({"accepted": {}, "proposed": {}}).decode()
"""The column of the extra data of a proposition that has none."""

Data: TypeAlias = Mapping[str, Json]
_EMPTY: Data = {}
_NO_STATUSES: Mapping[str, Data] = {}

PropositionText: TypeAlias = tuple[str, str, str, str, str, str, str, str, int, str, int, str, str, int, str, str]
"""The columns of :data:`COLUMNS`, in order."""

_weight = lru_cache(10_000)(Decimal)
_moment = lru_cache(1_000)(instant)
"""The propositions of one call share it, to save memory."""


class PropositionRow(NamedTuple):
    """One offer made to one contact in one space (domain.md §2).

    ``id`` and ``interaction``, the id of the call, are opaque and given by the caller. ``contact`` is the key's
    parts joined by ``|``. ``time`` is the proposition date (inbound: when it was made; outbound: the delivery's
    contact date) and ``changed`` when the status was last set, both UTC as ``2026-11-01T12:00:00.000000Z``.
    ``revision`` is the live revision that decided. ``proposed`` and ``accepted`` are the space's extra data;
    ``statuses``, what it stored at other changes of status, by status. ``product`` is what a dynamic-offer hook made of
    the offer, None without one.
    """

    id: str
    environment: str
    contact: str
    space: str
    channel: str
    offer: str
    category: str
    interaction: str
    rank: int
    weight: Decimal
    status: Status
    time: str
    changed: str
    revision: int
    proposed: Data = _EMPTY
    accepted: Data = _EMPTY
    statuses: Mapping[str, Data] = _NO_STATUSES
    product: Data | None = None


@dataclass(frozen=True, slots=True)
class PropositionQuery:
    """Which propositions to list; empty text and None do not narrow it.

    ``since`` is included, ``until`` is not. ``before`` is the (time, id) of the last row of the page before.
    """

    environment: str = ""
    contact: str = ""
    offer: str = ""
    space: str = ""
    status: Status | None = None
    since: str = ""
    until: str = ""
    before: tuple[str, str] | None = None


EVERY = PropositionQuery()


@dataclass(frozen=True, slots=True)
class DataWithStatus:
    """The extra data to store with a status: as that of accepted offers, or under the status if not ``accepting``.

    ``contact``: for whom it was read. If the proposition's contact was erased meanwhile, it is not stored.
    """

    data: Data
    accepting: bool = True
    contact: str | None = None


@dataclass(frozen=True, slots=True)
class StatusChange:
    """The result of a change of status: the proposition as it is now, and its status before.

    ``changed`` is False if it already had that status, and nothing was written.
    """

    proposition: PropositionRow
    before: Status
    changed: bool


def proposition_texts(rows: Sequence[PropositionRow]) -> list[PropositionText]:
    """The columns of ``rows``. Raises Refused for text that no database stores, and for too much of it.

    Raises ValueError for a faulty row, which is a bug.
    """
    texts = [*map(_text, rows)]
    if not keepable([key for row in rows for key in row[:8]]):
        raise refuse(
            Code.BAD_VALUE,
            "a proposition's id, interaction or contact key is not text",
            detail="It has a NUL character or bytes that are not UTF-8.",
            hint="Check which contact key the call passed.",
        )
    return texts


def stored_past(columns: tuple[str, str, str, str, int, str, str, int]) -> PastProposition:
    """A proposition from its columns; names and weights are shared with others, to save memory.

    Raises LookupError, TypeError, ValueError or ArithmeticError if they were edited.
    """
    *names, status, at, weight, rank = columns
    offer, category, space, channel = map(intern, names)
    return PastProposition(offer, category, space, channel, NUMBERED[status], _moment(at), _weight(weight), rank)


def with_stored_data(
    past: PastProposition, campaign: str | None, delivery: str | None, data: str, product: str
) -> PastProposition:
    """``past`` with the delivery that made it and, from their columns, what was stored with it and its product.

    Raises as :func:`stored_past`.
    """
    stored, made = latest_data(*data_of(data)), product_of(product) if product else None
    return past._replace(campaign=campaign, delivery=delivery, stored=stored, product=made)


def past_of(row: PropositionRow, *, data: bool = False) -> PastProposition:
    """The stored ``row`` as presentation rules count it; with ``data``, also what was stored with it.

    As in :func:`stored_past`, names and weights are shared with others.
    """
    weight, moment = _weight(weight_text(row.weight)), _moment(row.time)
    offer, category, space, channel = intern(row.offer), intern(row.category), intern(row.space), intern(row.channel)
    past = PastProposition(offer, category, space, channel, row.status, moment, weight, row.rank)
    if not data:
        return past
    return past._replace(stored=latest_data(row.proposed, row.accepted, row.statuses), product=row.product)


def proposition_row(text: PropositionText) -> PropositionRow:
    """The proposition of some columns. Raises ValueError when they are invalid."""
    data = text[14]
    proposed, accepted, statuses = ({}, {}, {}) if data == NO_DATA else data_of(data)
    weight, status = Decimal(text[9]), status_of_number(text[10])
    if not weight.is_finite() or not isinstance(text[13], int):
        raise ValueError("not a weight, or not a revision")
    extra = proposed, accepted, statuses
    product = product_of(text[15]) if text[15] else None
    return PropositionRow(*text[:9], weight, status, text[11], text[12], text[13], *extra, product)


def weight_text(weight: Decimal) -> str:
    """A weight as text, without exponent or trailing zeros. Raises ValueError when it is not finite."""
    if not weight.is_finite():
        raise ValueError(f"not a weight: {weight}")
    text = f"{weight:f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def data_text(proposed: Data, accepted: Data, statuses: Mapping[str, Data]) -> str:
    """The column of the extra data. Raises Refused when it is too large, or not JSON."""
    if not proposed and not accepted and not statuses:
        return NO_DATA
    answers: Data = {"statuses": {status: dict(data) for status, data in statuses.items()}} if statuses else {}
    try:
        text = canonical({"accepted": dict(accepted), "proposed": dict(proposed), **answers})
    except orjson.JSONEncodeError as error:
        raise refuse(
            Code.BAD_VALUE,
            "the extra data of a proposition cannot be stored",
            detail="It has a number beyond 64 bits, or a value that is not JSON.",
            hint="Mend the expressions under storage of the space.",
        ) from error
    if len(text) > LARGEST_DATA:
        raise refuse(
            Code.BAD_VALUE,
            "the extra data of a proposition is too large to be stored",
            detail=f"It has {len(text):,} bytes; {LARGEST_DATA:,} are allowed.",
            hint="Store less under storage of the space: keys rather than whole texts.",
        )
    return text.decode()


def data_with(row: PropositionRow, status: Status, data: DataWithStatus | None) -> str:
    """The column of the extra data of ``row`` once it has ``status``, with what is stored then."""
    accepted, statuses = row.accepted, row.statuses
    if data is not None and data.contact in (None, row.contact):
        if data.accepting:
            accepted = data.data
        else:
            statuses = {**statuses, status.value: data.data}
    return data_text(row.proposed, accepted, statuses)


def data_of(text: str) -> tuple[Data, Data, Mapping[str, Data]]:
    """The extra data of a column: proposed, accepted, and by status. Raises ValueError when it is invalid."""
    data = orjson.loads(text)
    match data:
        case {"proposed": dict(proposed), "accepted": dict(accepted), **more}:
            statuses = more.get("statuses", {})
            if not isinstance(statuses, dict) or not all(isinstance(one, dict) for one in statuses.values()):
                raise ValueError("the column is not a proposition's extra data")
            return proposed, accepted, statuses
        case _:
            raise ValueError("the column is not a proposition's extra data")


def product_text(product: Data | None) -> str:
    """The column of the product; empty without one. What a hook returns is bounded where it is checked."""
    return "" if product is None else canonical(dict(product)).decode()


def product_of(text: str) -> Data:
    """The product of a column. Raises ValueError when it is invalid."""
    product = orjson.loads(text)
    if not isinstance(product, dict):
        raise ValueError("the column is not a product")
    return product


_IN_ORDER = ("scheduled", "presented", "interested", "accepted", "rejected")


def latest_data(proposed: Data, accepted: Data, statuses: Mapping[str, Data]) -> dict[str, Json]:
    """The extra data of a proposition by name: what a later status stored replaces what an earlier one did."""
    scheduled, presented, interested, *answers = (statuses.get(status, {}) for status in _IN_ORDER)
    return {**proposed, **scheduled, **presented, **interested, **accepted, **answers[0], **answers[1]}


def keepable(texts: Sequence[str]) -> bool:
    """Whether every database can store these texts: UTF-8 without NUL."""
    joined = "".join(texts)
    return "\0" not in joined and (joined.isascii() or joined == joined.encode(errors="replace").decode())


def _text(row: PropositionRow) -> PropositionText:
    """The columns of ``row``; the first eight may still be something else than text."""
    if not row.id or not row.environment or row.rank < 1 or row.revision < 0:
        raise ValueError(f"not a proposition: {row.id!r} of {row.environment!r}, rank {row.rank}")
    time, changed = row.time, row.changed
    check_utc(time)
    if changed is not time:
        check_utc(changed)
    if len(row.id) > LONGEST_KEY or len(row.contact) > LONGEST_KEY or len(row.interaction) > LONGEST_KEY:
        raise refuse(
            Code.BAD_VALUE,
            "a proposition's id, interaction or contact key is too long to be stored",
            detail=f"At most {LONGEST_KEY} characters are allowed.",
            hint="Check which contact key the call passed.",
        )
    data = data_text(row.proposed, row.accepted, row.statuses)
    ranked = (row.rank, weight_text(row.weight), status_number(row.status))
    return (*row[:8], *ranked, time, changed, row.revision, data, product_text(row.product))
