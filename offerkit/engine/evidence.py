"""The evidence of a decision: all that it read, as JSON, and back (docs/adr/0073-evidence.md).

Values keep their types: a decimal is ``{"decimal": "1.5"}``, a date ``{"date": …}``, a timestamp ``{"timestamp": …}``,
an integer beyond 64 bits ``{"integer": …}``. Everything else is as it is in JSON.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from itertools import chain
from typing import NamedTuple

from offerkit.engine.call import MAX_COUNT, Call
from offerkit.engine.catalog import Catalog
from offerkit.engine.condition import BoundCondition, facts_at
from offerkit.engine.contact_history import CountedPropositions, HistoryCondition
from offerkit.engine.decision import SpaceDecision
from offerkit.engine.history import GroupedHistory, PastProposition
from offerkit.engine.hook_tape import HookTape, KeptCandidate
from offerkit.engine.presentation_rules import Moment, counted_by_rules
from offerkit.fingerprint import Json, JsonMap, json_map
from offerkit.rules.types import BaseType, FieldType, Row, Value
from offerkit.rules.values import show
from offerkit.times import instant, utc

FORMAT = 1
_INT64 = 2**63


class EvidenceScope(NamedTuple):
    """What is kept of decisions on a space: the fields they can read, and what conditions count of histories."""

    contact: frozenset[str]
    data: frozenset[str]
    counted: frozenset[CountedPropositions]


def conditions_of(catalog: Catalog, space: str) -> Iterator[BoundCondition]:
    """Every condition and formula that decides what ``space`` shows: of the environment, offers there, and rules."""
    offers = [offer for offer in catalog.offers if space in offer.spaces]
    weights = [weight for offer in offers for weight in offer.weights if not weight.spaces or space in weight.spaces]
    categories = {id(category): category for offer in offers for category in offer.chain}
    located = chain(
        catalog.requirements,
        (rule.contacts for rule in catalog.rules if rule.contacts is not None),
        *(category.requirements for category in categories.values()),
        *(offer.requirements for offer in offers),
        *(weight.requirements for weight in weights),
    )
    yield from dict.fromkeys(requirement.condition for requirement in located)
    yield from dict.fromkeys(weight.formula for weight in weights if weight.formula is not None)


def fields_read(catalog: Catalog, space: str) -> frozenset[tuple[str, str]]:
    """The (namespace, field) pairs of contact and call data that conditions and formulas for ``space`` read."""
    own = (catalog.dimension.name, "interaction")
    checked = (condition.expression.checked for condition in conditions_of(catalog, space))
    return frozenset(field for one in checked if one is not None for field in one.fields if field[0] in own)


def counted_conditions(catalog: Catalog, space: str) -> frozenset[CountedPropositions]:
    """What conditions for ``space`` count of the contact's own history (``eligible.history``)."""
    found = conditions_of(catalog, space)
    return frozenset(condition.counted for condition in found if isinstance(condition, HistoryCondition))


class ReadDecision(NamedTuple):
    """A decision from its evidence: the call, the history that counted, and the offers that could not be rendered."""

    call: Call
    history: tuple[PastProposition, ...]
    failed: frozenset[str]


class UnreadableEvidenceError(ValueError):
    """The evidence is not as offerkit writes it; the message says what is wrong, without its values."""


def evidence_of(
    catalog: Catalog,
    call: Call,
    history: Sequence[PastProposition],
    decision: SpaceDecision,
    scope: EvidenceScope,
) -> dict[str, Json]:
    """All that ``decision`` read of the contact, the call, the history and the hooks. What is usual is left out."""
    loaded = {name: value for name, value in decision.data.items() if value is not call.data.get(name)}
    tape = call.hooks.tape if call.hooks is not None else None
    body: dict[str, Json] = {
        "format": FORMAT,
        "n": call.n,
        "contact": _row(call.contact, scope.contact),
        "data": _row(call.data, scope.data),
        "history": [_past(past) for past in _counted(catalog, call, history, decision, scope)],
    }
    if call.offers is not None:
        body["offers"] = [*sorted(call.offers)]
    others: dict[str, Json] = {
        "wanted": call.wanted,
        "categories": [*call.categories],
        "themes": [*call.themes],
        "nowhere": call.nowhere,
        "seed": call.seed,
        "exclude": [*sorted(call.exclude)],
        "unruled": not call.ruled,
        "loaded": _row(loaded, scope.data),
    }
    if tape is not None:
        others["products"] = {offer: _products(pairs) for offer, pairs in tape.products.items()}
        if tape.kept is not None:
            body["kept"] = [[one.offer, one.product, _value(one.weight)] for one in tape.kept]
    return {**body, **{name: value for name, value in others.items() if value}}


def values_kept(catalog: Catalog, body: JsonMap) -> dict[str, str]:
    """The values of contact and call data in evidence, by name, as text. Raises UnreadableEvidenceError."""
    owners = (("contact", catalog.dimension.name), ("data", "interaction"), ("loaded", "interaction"))
    try:
        rows = ((owner, _values(body.get(part))) for part, owner in owners)
        values = {f"{owner}.{name}": value for owner, row in rows for name, value in row.items()}
    except (ArithmeticError, TypeError, ValueError) as error:
        raise _unreadable() from error
    return {name: "unknown" if value is None else show(value) for name, value in values.items()}


def _unreadable() -> UnreadableEvidenceError:
    return UnreadableEvidenceError("it was edited, or a newer offerkit wrote it")


def read_evidence(catalog: Catalog, space: str, key: str, time: str, body: JsonMap) -> ReadDecision:
    """The decision whose evidence is ``body``, for ``catalog`` to repeat. ``time``: of its propositions.

    Raises UnreadableEvidenceError.
    """
    try:
        return _read(catalog, space, key, time, body)
    except (ArithmeticError, AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise _unreadable() from error


def _read(catalog: Catalog, space: str, key: str, time: str, body: JsonMap) -> ReadDecision:
    if body["format"] != FORMAT:
        raise ValueError("another format")
    offers = body.get("offers")
    tape = HookTape(
        replays=True,
        loaded=_checked(_values(body.get("loaded")), _data_types(catalog)),
        products={offer: _pairs(pairs) for offer, pairs in json_map(body.get("products")).items()},
        kept=None if "kept" not in body else tuple(_kept(one) for one in _list(body["kept"])),
    )
    call = Call(
        space=space,
        n=_number(body["n"], MAX_COUNT),
        categories=_names(body.get("categories")),
        themes=_names(body.get("themes")),
        data={**catalog.no_data, **_checked(_values(body["data"]), _data_types(catalog))},
        contact={**catalog.nobody, **_checked(_values(body["contact"]), catalog.dimension.fields)},
        key=key,
        now=instant(time),
        seed=str(body.get("seed", "")),
        exclude=frozenset(_names(body.get("exclude"))),
        nowhere=body.get("nowhere") is True,
        offers=None if offers is None else frozenset(_names(offers)),
        ruled=body.get("unruled") is not True,
        wanted=_int(body.get("wanted", 0)),
        hooks=catalog.hooks.taped(tape),
    )
    history = tuple(_past_of(past) for past in _list(body["history"]))
    return ReadDecision(call, history, frozenset(_names(body.get("failed"))))


def _counted(
    catalog: Catalog,
    call: Call,
    history: Sequence[PastProposition],
    decision: SpaceDecision,
    scope: EvidenceScope,
) -> list[PastProposition]:
    """The propositions that rules and conditions counted, in order."""
    if not history:
        return []
    facts = facts_at(call.now, catalog.zone, call.contact, decision.data)
    moment = Moment(call.now, call.space, catalog.spaces[call.space].channel)
    counted = {id(past) for past in counted_by_rules(catalog, moment, history, facts)} if call.ruled else set[int]()
    grouped = GroupedHistory(history, call.now)
    counted.update(id(past) for one in scope.counted for past in one.of(grouped))
    read = catalog.seldom_read
    return [_only_read(past, read) for past in history if id(past) in counted]


def _only_read(past: PastProposition, read: frozenset[tuple[str, str]]) -> PastProposition:
    """``past`` with only that of its stored data and its product that rules read."""
    stored = {name: value for name, value in (past.stored or {}).items() if ("stored", name) in read}
    product = {name: value for name, value in (past.product or {}).items() if ("product", name) in read}
    return past._replace(stored=stored or None, product=product or None)


def _row(row: Row, names: Iterable[str]) -> dict[str, Json]:
    return {name: _value(row[name]) for name in sorted(names) if name in row}


def _value(value: Value) -> Json:
    match value:
        case None | bool() | str():
            return value
        case int():
            return value if -_INT64 <= value < _INT64 else {"integer": str(value)}
        case Decimal():
            return {"decimal": str(value)}
        case datetime():
            return {"timestamp": value.isoformat()}
        case date():
            return {"date": value.isoformat()}
        case _:
            return [*value]


def _value_of(stored: Json) -> Value:
    match stored:
        case None | bool() | str() | int():
            return stored
        case list():
            return tuple(str(item) for item in stored)
        case {"integer": str(text)}:
            if len(text) > 1_300:
                raise ValueError("not a number")
            return int(text)
        case {"decimal": str(text)}:
            return _decimal(text)
        case {"timestamp": str(text)}:
            return datetime.fromisoformat(text)
        case {"date": str(text)}:
            return date.fromisoformat(text)
        case _:
            raise ValueError("not a value")


def _decimal(text: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise ValueError("not a number") from None
    if not number.is_finite():
        raise ValueError("not a number")
    return number


def _values(stored: Json) -> dict[str, Value]:
    return {name: _value_of(value) for name, value in json_map(stored).items()}


def _products(pairs: Sequence[tuple[Mapping[str, Value], Decimal]] | None) -> Json:
    if pairs is None:
        return None
    return [[{name: _value(value) for name, value in product.items()}, str(weight)] for product, weight in pairs]


def _pairs(stored: Json) -> tuple[tuple[Mapping[str, Value], Decimal], ...] | None:
    if stored is None:
        return None
    return tuple((_values(product), _decimal(str(weight))) for product, weight in map(_pair, _list(stored)))


def _pair(stored: Json) -> tuple[Json, Json]:
    product, weight = _list(stored)
    return product, weight


def _kept(stored: Json) -> KeptCandidate:
    offer, product, weight = _list(stored)
    number = _value_of(weight)
    if number is not None and not isinstance(number, Decimal):
        raise ValueError("not a weight")
    return KeptCandidate(str(offer), _int(product), number)


def _past(past: PastProposition) -> Json:
    usual: list[Json] = [
        past.offer,
        past.category,
        past.space,
        past.channel,
        past.status,
        utc(past.time),
        show(past.weight),
        past.rank,
    ]
    more = (past.campaign, past.delivery, past.stored, past.product)
    if more == (None, None, None, None):
        return usual
    stored, product = (None if data is None else dict(data) for data in (past.stored, past.product))
    return [*usual, past.campaign, past.delivery, stored, product]


def _past_of(stored: Json) -> PastProposition:
    offer, category, space, channel, status, time, weight, rank, *more = _list(stored)
    campaign, delivery, data, product = more or (None, None, None, None)
    plain = PastProposition(
        offer=str(offer),
        category=str(category),
        space=str(space),
        channel=str(channel),
        status=str(status),
        time=instant(str(time)),
        weight=_decimal(str(weight)),
        rank=_int(rank),
    )
    if not more:
        return plain
    return plain._replace(
        campaign=None if campaign is None else str(campaign),
        delivery=None if delivery is None else str(delivery),
        stored=None if data is None else json_map(data),
        product=None if product is None else json_map(product),
    )


def _list(stored: Json) -> list[Json]:
    if not isinstance(stored, list):
        raise TypeError("not a list")
    return stored


def _names(stored: Json) -> tuple[str, ...]:
    return () if stored is None else tuple(str(name) for name in _list(stored))


def _int(stored: Json) -> int:
    if not isinstance(stored, int) or isinstance(stored, bool):
        raise TypeError("not a number")
    return stored


def _number(stored: Json, most: int) -> int:
    if not 1 <= _int(stored) <= most:
        raise ValueError("not a number of offers")
    return _int(stored)


_PLAIN: Mapping[BaseType, type | tuple[type, ...]] = {
    BaseType.STRING: str,
    BaseType.ENUMERATION: str,
    BaseType.INTEGER: int,
    BaseType.DECIMAL: Decimal,
    BaseType.BOOLEAN: bool,
    BaseType.DATE: date,
    BaseType.TIMESTAMP: datetime,
    BaseType.LIST: tuple,
}


def _checked(values: Mapping[str, Value], types: Mapping[str, FieldType]) -> Mapping[str, Value]:
    """``values``, each of its declared type. Raises ValueError or LookupError."""
    for name, value in values.items():
        base = types[name].base
        mixed = isinstance(value, (bool, datetime)) and base not in (BaseType.BOOLEAN, BaseType.TIMESTAMP)
        if value is not None and (mixed or not isinstance(value, _PLAIN[base])):
            raise ValueError("not of its type")
    return values


def _data_types(catalog: Catalog) -> dict[str, FieldType]:
    """The types of call data, and of the facts of a call."""
    facts = dict.fromkeys(catalog.call_facts, FieldType(BaseType.STRING))
    return {**facts, **{name: field.type for name, field in catalog.call_data.items()}}


def unread(catalog: Catalog, body: JsonMap, scope: EvidenceScope) -> Iterator[str]:
    """What decisions read and evidence does not have, a sentence each: it was edited, or another engine reads more."""
    rows = ("contact", catalog.dimension.name, scope.contact), ("data", "interaction", scope.data)
    for part, owner, names in rows:
        for name in sorted(names - json_map(body.get(part)).keys()):
            yield f"the evidence has no {owner}.{name}, which decisions on this space read"
