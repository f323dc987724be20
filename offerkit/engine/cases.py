"""Decision cases: for which contact, space and time to decide, and the expected outcome (docs/engine.md).

Cases arrive as plain data (YAML that the caller has read) and nothing in them is guaranteed: every mistake is a
CaseError with a message for the author.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from offerkit.diagnostics import Refused, nearest, suggestion
from offerkit.engine.call import Call, CallContext
from offerkit.engine.call_facts import ANONYMOUS
from offerkit.engine.case_values import CaseError, decimal, known_keys, map_of, names_of, text_of, whole_number
from offerkit.engine.catalog import Catalog
from offerkit.engine.check_call import make_call
from offerkit.engine.decide import decide_many
from offerkit.engine.decision import SpaceDecision
from offerkit.engine.history import PastProposition
from offerkit.engine.reasons import DECIDED, ExclusionReason, Finding
from offerkit.fingerprint import Json
from offerkit.models.expression_scopes import IDENTIFICATIONS, STATUSES
from offerkit.rules.types import BaseType, FieldType, Row, Value
from offerkit.rules.values import parse_instant, parse_value, show
from offerkit.times import duration

KEYS = frozenset(
    {
        "space",
        "spaces",
        "contact",
        "key",
        "cookie",
        "session",
        "now",
        "n",
        "categories",
        "themes",
        "data",
        "identification",
        "seed",
        "exclude",
        "history",
        "activated",
        "expect",
        "note",
    }
)
"""The keys of a case."""
HISTORY_KEYS = frozenset(
    {
        "offer",
        "category",
        "space",
        "channel",
        "status",
        "at",
        "ago",
        "weight",
        "rank",
        "campaign",
        "delivery",
        "stored",
        "product",
    }
)
"""The keys of a proposition in ``history``."""

EXPECTATIONS = frozenset({"offers", "any_order", "weights", "products", "out", "nothing", "reports", "refused"})
"""The keys of ``expect``."""
OUT_KEYS = frozenset({"why", "by", "says"})
"""The keys of an offer in ``expect.out``."""

Contacts = Callable[[str], Row | None]
"""Returns the profile of the contact with a key (as text), or None."""


@dataclass(frozen=True, slots=True)
class DecisionCase:
    """A case whose structure is checked. ``environment`` is empty when its spaces are named without one."""

    name: str
    environment: str
    spaces: tuple[str, ...]
    raw: Mapping[str, object] = field(repr=False)


@dataclass(frozen=True, slots=True)
class CaseResult:
    """The outcome of a case; ``mismatches`` are sentences, none if the case passed."""

    mismatches: tuple[str, ...]
    decisions: tuple[SpaceDecision, ...]


def read_case(name: str, raw: object) -> DecisionCase:
    """The case ``name``, read from plain data. Raises CaseError."""
    data = map_of(raw, "a case")
    known_keys(data, KEYS, "a case")
    if ("space" in data) == ("spaces" in data):
        raise CaseError("a case must have either space or spaces")
    if "now" not in data:
        raise CaseError("a case must have a time: now: 2026-06-01T10:00")
    named = names_of(data["spaces"], "spaces") if "spaces" in data else (text_of(data["space"], "space"),)
    split = [name.rpartition("/") for name in named]
    environments = {environment for environment, _, _ in split}
    if len(environments) != 1:
        raise CaseError("the spaces of a case must all be in one environment")
    _check_expectations(map_of(data.get("expect"), "expect"))
    return DecisionCase(name, environments.pop(), tuple(space for _, _, space in split), data)


def run_case(catalog: Catalog, case: DecisionCase, contacts: Contacts = lambda key: None) -> CaseResult:
    """Decide a case, with and without an explanation, and compare both with what it expects. Raises CaseError."""
    expected = map_of(case.raw["expect"], "expect")
    refused = names_of(expected.get("refused", ()), "refused")
    try:
        calls = _calls(catalog, case, contacts)
    except Refused as error:
        codes = sorted({diagnostic.code.value for diagnostic in error.diagnostics})
        if refused:
            return CaseResult(() if codes == sorted(refused) else (f"refused with {', '.join(codes)}",), ())
        raise CaseError(str(error)) from error
    if refused:
        return CaseResult((f"the call is not refused; expected {', '.join(refused)}",), ())
    history = _history(catalog, case)
    plain = decide_many(catalog, calls, history)
    explained = decide_many(catalog, calls, history, explain=True)
    mismatches = _mismatches(expected, case.spaces, explained, catalog.position_of)
    for plain_decision, explained_decision in zip(plain, explained, strict=True):
        if plain_decision != explained_decision._replace(trace=None):
            mismatches.append("a bug in offerkit: the explained decision differs from the plain one")
    return CaseResult(tuple(mismatches), tuple(explained))


def _calls(catalog: Catalog, case: DecisionCase, contacts: Contacts) -> list[Call]:
    raw = case.raw
    contact, key = _contact(catalog, raw.get("contact"), contacts)
    if "key" in raw:
        key = text_of(raw["key"], "key")
    now = _time(catalog, raw["now"], "now")
    seed, how = text_of(raw.get("seed", ""), "seed"), _identification(catalog, raw, identified=bool(key or contact))
    context = CallContext(
        contact,
        key,
        now,
        seed,
        catalog.anonymous,
        permanent=text_of(raw.get("cookie", ""), "cookie"),
        session=text_of(raw.get("session", ""), "session"),
        identification=how,
    )
    exclude = frozenset(names_of(raw.get("exclude", ()), "exclude"))
    return [
        make_call(
            catalog,
            space,
            who=context,
            n=whole_number(raw.get("n", 10), "n"),
            categories=names_of(raw.get("categories", ()), "categories"),
            themes=names_of(raw.get("themes", ()), "themes"),
            data=map_of(raw.get("data", {}), "data"),
        )._replace(exclude=exclude)
        for space in case.spaces
    ]


def _identification(catalog: Catalog, raw: Mapping[str, object], *, identified: bool) -> str:
    """How the contact counts as identified: by default by key, if the case has a contact."""
    usual = "explicit" if identified and not catalog.anonymous else ANONYMOUS
    how = text_of(raw.get("identification", usual), "identification")
    if how not in IDENTIFICATIONS:
        raise CaseError(f"identification must be one of {', '.join(IDENTIFICATIONS)}, not “{how[:80]}”")
    return how


def _contact(catalog: Catalog, declared: object, contacts: Contacts) -> tuple[Row | None, str]:
    """The profile and the key, from fields in the case or from a stored contact; (None, "") for neither."""
    if declared is None:
        return None, ""
    if not isinstance(declared, Mapping):
        key = text_of(declared, "contact")
        profile = contacts(key)
        if profile is None:
            raise CaseError(f"there is no contact “{key}”")
        return profile, key
    fields = map_of(declared, "contact")
    row = {name: _value(catalog, name, raw) for name, raw in fields.items()}
    return row, "|".join(str(row.get(name) or "") for name in catalog.dimension.key).strip("|")


def _value(catalog: Catalog, name: str, raw: object) -> Value:
    type_ = catalog.dimension.fields.get(name)
    if type_ is None:
        raise CaseError(f"contacts have no field “{name}”. {suggestion(name, catalog.dimension.fields)}".strip())
    try:
        return parse_value(raw, type_, catalog.zone)
    except ValueError as error:
        raise CaseError(f"contact.{name}: {error}") from error


def _time(catalog: Catalog, raw: object, where: str) -> datetime:
    """An instant; without an offset it is read in the environment's time zone."""
    try:
        value = parse_value(raw, FieldType(BaseType.TIMESTAMP), catalog.zone)
    except ValueError as error:
        raise CaseError(f"{where}: {error}") from error
    if not isinstance(value, datetime):
        raise CaseError(f"{where} must be a time such as 2026-06-01T10:00")
    _within(value, where)
    return parse_instant(raw, catalog.zone)


def _within(moment: datetime, where: str) -> datetime:
    """``moment``. Raises CaseError in the calendar's first and last year, which a time zone could make it leave."""
    if not 2 <= moment.year <= 9998:
        raise CaseError(f"{where}: the time is outside the years 2 to 9998")
    return moment


def _history(catalog: Catalog, case: DecisionCase) -> list[PastProposition]:
    history = case.raw.get("history", ())
    if not isinstance(history, Sequence) or isinstance(history, str):
        raise CaseError("history must be a list of propositions")
    now = _time(catalog, case.raw["now"], "now")
    return [_past(catalog, map_of(raw, "history"), now, case.spaces[0]) for raw in history]


def _past(catalog: Catalog, raw: Mapping[str, object], now: datetime, default_space: str) -> PastProposition:
    """A stored proposition. By default on the first space of the case; ``ago: 2d 6h`` counts back from ``now``."""
    known_keys(raw, HISTORY_KEYS, "a proposition in the history")
    offer = text_of(raw.get("offer", ""), "history.offer")
    position = catalog.position_of.get(offer)
    space = text_of(raw.get("space", default_space), "history.space").rpartition("/")[2]
    declared_space = catalog.spaces.get(space)
    if ("at" in raw) == ("ago" in raw):
        raise CaseError("a proposition in the history must have either at or ago")
    try:
        ago = duration(text_of(raw["ago"], "history.ago")) if "ago" in raw else timedelta(0)
    except ValueError as error:
        raise CaseError(f"history: {error}") from error
    try:
        time = _within((_time(catalog, raw["at"], "history.at") if "at" in raw else now) - ago, "history")
    except OverflowError:
        raise CaseError("history: the time is outside the years 2 to 9998") from None
    status = text_of(raw.get("status", "presented"), "history.status")
    if status not in STATUSES:
        raise CaseError(f"“{status[:80]}” is not a status. {suggestion(status, STATUSES)}")
    return PastProposition(
        offer=offer,
        category=text_of(
            raw.get("category", catalog.offers[position].category if position is not None else ""), "category"
        ),
        space=space,
        channel=text_of(raw.get("channel", declared_space.channel if declared_space else "other"), "history.channel"),
        status=status,
        time=time,
        weight=decimal(raw.get("weight", 1), "history: weight"),
        rank=whole_number(raw.get("rank", 1), "history.rank"),
        campaign=text_of(raw["campaign"], "history.campaign") if "campaign" in raw else None,
        delivery=text_of(raw["delivery"], "history.delivery") if "delivery" in raw else None,
        stored=_stored(raw, "stored"),
        product=_stored(raw, "product"),
    )


def _stored(raw: Mapping[str, object], key: str) -> Mapping[str, Json] | None:
    """What a case says was stored with a proposition. A value that does not fit its type is unknown, as in a store."""
    if key not in raw:
        return None
    return {name: _plain(value) for name, value in map_of(raw[key], f"history.{key}").items()}


def _plain(value: object) -> Json:
    if value is None or isinstance(value, bool | int):
        return value
    return [str(entry) for entry in value] if isinstance(value, list | tuple) else str(value)


def _check_expectations(expected: Mapping[str, object]) -> None:
    """Raise CaseError when ``expect`` is empty or has something that no decision can have."""
    known_keys(expected, EXPECTATIONS, "expect")
    if not expected:
        raise CaseError(
            "expect is empty; it needs offers, any_order, weights, products, out, nothing, reports or refused"
        )
    if "nothing" in expected:
        _reason(expected["nothing"])
    for out in map_of(expected.get("out", {}), "out").values():
        _out(out)


def _mismatches(
    expected: Mapping[str, object], spaces: Sequence[str], decisions: Sequence[SpaceDecision], offers: Collection[str]
) -> list[str]:
    """What differs from the expectation, as sentences. ``decisions`` are explained, one for each space.

    ``offers``: all offers, to tell a misspelt name from an offer that is left out.
    """
    mismatches: list[str] = []
    for space, decision in zip(spaces, decisions, strict=True):
        prefix = f"{space}: " if len(spaces) > 1 else ""
        chosen = [offer.offer for offer in decision.chosen]
        for key in ("offers", "any_order"):
            if key in expected:
                expected_offers = _of_space(expected[key], space, key, several=len(spaces) > 1)
                as_expected = (
                    chosen == expected_offers if key == "offers" else sorted(chosen) == sorted(expected_offers)
                )
                if not as_expected:
                    why = _why_not(decision, expected_offers, offers)
                    mismatches.append(f"{prefix}proposed {_list(chosen)}, expected {_list(expected_offers)}{why}")
    first = decisions[0]
    mismatches += _weights(map_of(expected.get("weights", {}), "weights"), decisions)
    mismatches += _products(map_of(expected.get("products", {}), "products"), decisions)
    for offer, out in map_of(expected.get("out", {}), "out").items():
        mismatches += _compare_out(offer, _out(out), decisions[-1]) if offer in offers else [_no_offer(offer, offers)]
    if "nothing" in expected and first.because is not _reason(expected["nothing"]):
        mismatches.append(
            f"expected nothing, because of {_reason(expected['nothing'])}; it is {first.because or 'decided'}"
        )
    reports = [f"{report.code} {report.message}" for decision in decisions for report in decision.reports]
    if "reports" in expected:
        wanted_reports = names_of(expected["reports"], "reports")
        mismatches += [
            f"no report says “{text}”"
            for text in wanted_reports
            if not any(text in report_line for report_line in reports)
        ]
        if not wanted_reports:
            mismatches += [f"reported: {report_line}" for report_line in reports]
    return mismatches


def _of_space(value: object, space: str, where: str, *, several: bool) -> list[str]:
    if several:
        value = map_of(value, where).get(space, ())
    return list(names_of(value, where))


def _list(names: Sequence[str]) -> str:
    return ", ".join(names) if names else "nothing"


def _why_not(decision: SpaceDecision, expected_offers: Sequence[str], offers: Collection[str]) -> str:
    """Why expected offers are missing."""
    chosen = {offer.offer for offer in decision.chosen}
    reasons = []
    for offer in expected_offers:
        finding = _finding(decision, offer)
        if offer not in offers:
            reasons.append(_no_offer(offer, offers))
        elif offer not in chosen and finding is not None:
            reasons.append(f"{offer}: {finding.reason} ({finding.sentence})")
    return f"; {'; '.join(reasons)}" if reasons else ""


def _no_offer(name: str, offers: Collection[str]) -> str:
    similar = nearest(name, offers, 1)
    return f"there is no offer {name}" + (f"; did you mean {similar[0]}?" if similar else "")


def _finding(decision: SpaceDecision, offer: str) -> Finding | None:
    """Why an offer is not proposed; None if it is."""
    trace = decision.trace
    if trace is None or trace.environment is not None:
        return trace.environment if trace is not None else None
    offer_trace = next((candidate for candidate in trace.offers if candidate.offer == offer), None)
    return offer_trace.out if offer_trace is not None else trace.slice.others if trace.slice is not None else None


def _weights(expected: Mapping[str, object], decisions: Sequence[SpaceDecision]) -> list[str]:
    weights = {offer.offer: offer.weight for decision in decisions for offer in decision.chosen}
    mismatches: list[str] = []
    for offer, value in expected.items():
        number = decimal(value, f"the weight of {offer}")
        if weights.get(offer) != number:
            actual = show(weights[offer]) if offer in weights else "not proposed"
            mismatches.append(f"{offer} has weight {actual}, expected {show(number)}")
    return mismatches


def _products(expected: Mapping[str, object], decisions: Sequence[SpaceDecision]) -> Iterator[str]:
    """What differs from the values expected of the products of dynamic offers, by offer."""
    products = {offer.offer: offer.product for decision in decisions for offer in decision.chosen}
    for offer, values in expected.items():
        product = products.get(offer)
        if product is None:
            why = "has no product" if offer in products else "is not proposed"
            yield f"{offer} {why}; expected one"
            continue
        for name, value in map_of(values, f"the product of {offer}").items():
            found, where = product.get(name), f"{name} of the product of {offer}"
            wanted = show(decimal(value, where)) if isinstance(found, Decimal) else text_of(value, where)
            if wanted != show(found):
                yield f"the product of {offer} has {name} {show(found)[:80]}, expected {wanted[:80]}"


def _compare_out(offer: str, expected: tuple[ExclusionReason, str, str], decision: SpaceDecision) -> list[str]:
    reason, by, says = expected
    finding = _finding(decision, offer)
    if finding is None:
        return [f"{offer} is proposed; expected it to be left out by {reason}"]
    if finding.reason is not reason:
        return [f"{offer} is left out by {finding.reason} ({finding.sentence}), expected {reason}"]
    if by and not finding.address.endswith(by):
        return [f"{offer} is left out by {finding.address}, expected {by}"]
    if says not in finding.sentence:
        return [f"{offer} is left out because “{finding.sentence}”, which does not contain “{says}”"]
    return []


def _out(value: object) -> tuple[ExclusionReason, str, str]:
    """The reason, the end of the address (``by``) and a part of the sentence (``says``); the last two may be empty."""
    if isinstance(value, Mapping):
        data = map_of(value, "out")
        known_keys(data, OUT_KEYS, "out")
        return _reason(data.get("why")), text_of(data.get("by", ""), "by"), text_of(data.get("says", ""), "says")
    return _reason(value), "", ""


def _reason(value: object) -> ExclusionReason:
    text = text_of(value, "a reason")
    if text not in DECIDED:
        raise CaseError(f"“{text[:80]}” is not a reason. {suggestion(text, DECIDED)}".strip())
    return ExclusionReason(text)
