"""What is proved, in words: for whom an answer changes, as two one-sided sentences for each reading of the clock.

The result is plain text, so that a pull request can carry it. It says that contacts are *eligible* (or meet a
condition), never that they get an offer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, tzinfo
from decimal import Decimal
from zoneinfo import ZoneInfo

from offerkit.address import Address
from offerkit.diagnostics import and_list, or_list
from offerkit.fingerprint import Json
from offerkit.prove.proofs import ChangeProofs, ProvedAbout, ProvedChange
from offerkit.prove.question import CALL
from offerkit.prove.result import CommonFact, Comparison, Existence, Extent, Reading, Side, Witness
from offerkit.reports.escape import clip
from offerkit.rules.types import Value

_VALUE, _AMONG = 60, 8
_WORDS = frozenset({"unknown", "true", "false"})
"""Texts that would read as other values without quotes."""
OFFER, PARAMETER = "offer", "parameter"
"""The namespaces that a filter reads besides contacts: of the offer that uses it."""


@dataclass(frozen=True, slots=True)
class StatedWitness:
    """An invented example: each field's value as JSON has it, and the moment with its offset."""

    values: dict[str, str | int | bool | tuple[str, ...] | None]
    moment: str


@dataclass(frozen=True, slots=True)
class StatedReading:
    """One reading of the clock: the verdict, the answer in each direction, and an example of each."""

    verdict: str
    gained: str
    lost: str
    gained_witness: StatedWitness | None = None
    lost_witness: StatedWitness | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class StatedOffer:
    """An offer, and the spaces on which the answer holds for it; ``edited``: it is itself changed."""

    offer: Address
    spaces: tuple[str, ...]
    edited: bool


@dataclass(frozen=True, slots=True)
class StatedChange:
    """One answer in words, and what it holds for: conditions as address and path, and offers."""

    environment: str
    verdict: str
    sentences: tuple[str, ...]
    conditions: tuple[tuple[str, str], ...]
    offers: tuple[StatedOffer, ...]
    at: str
    now: StatedReading
    later: StatedReading


@dataclass(frozen=True, slots=True)
class StatedProofs:
    """All that is proved of a change, in words. ``missing``: why nothing is, and how to get it."""

    changes: tuple[StatedChange, ...] = ()
    moments: tuple[tuple[str, str, str], ...] = ()
    """Environment, moment, time zone."""
    notes: tuple[tuple[str, str], ...] = ()
    """Environment (empty: all), and what was not tried there, and why."""
    missing: str = ""
    narrowing: tuple[tuple[Address, str], ...] = ()
    """Offer, and why a rule “narrowing needs no approval” would keep it back; empty: it would let it through."""

    def of_environments(self, chosen: Callable[[str], bool]) -> StatedProofs:
        """What is proved in the environments that are ``chosen``."""
        changes = tuple(change for change in self.changes if chosen(change.environment))
        moments = tuple(moment for moment in self.moments if chosen(moment[0]))
        notes = tuple(note for note in self.notes if not note[0] or chosen(note[0]))
        return replace(self, changes=changes, moments=moments, notes=notes)


def stated(proofs: ChangeProofs) -> StatedProofs:
    """``proofs`` in words."""
    zones = {moment.environment: ZoneInfo(moment.zone) for moment in proofs.moments}
    return StatedProofs(
        tuple(_change(change, zones[change.environment]) for change in proofs.changes),
        tuple((moment.environment, moment_text(moment.at), moment.zone) for moment in proofs.moments),
        proofs.notes,
        proofs.missing,
        tuple((outcome.offer, outcome.obstacle) for outcome in proofs.narrowing),
    )


def _change(change: ProvedChange, zone: tzinfo) -> StatedChange:
    words = _LIMITED if change.about is ProvedAbout.LIMITED else _ELIGIBLE if change.offers else _MET
    return replace(
        _comparison(change.environment, change.comparison, zone, words, change.example_of),
        conditions=tuple((str(condition.address), condition.path) for condition in change.conditions),
        offers=tuple(StatedOffer(offer.address, offer.spaces, offer.edited) for offer in change.offers),
    )


def stated_conditions(environment: str, comparison: Comparison, zone: tzinfo) -> StatedChange:
    """The comparison of two conditions in words, as if contacts were eligible who meet them."""
    return _comparison(environment, comparison, zone, _ELIGIBLE)


def _comparison(
    environment: str, comparison: Comparison, zone: tzinfo, words: _Words, example_of: str = ""
) -> StatedChange:
    return StatedChange(
        environment,
        verdict_of(comparison.now, comparison.later),
        tuple(_sentences(comparison, words, example_of)),
        (),
        (),
        comparison.at.replace(tzinfo=zone).isoformat(),
        _reading(comparison.now, zone),
        _reading(comparison.later, zone),
    )


def verdict_of(now: Reading, later: Reading) -> str:
    """The verdict in a few words, of both readings where they differ: ``fewer now, both later``."""
    if now.verdict is later.verdict:
        return now.verdict.value
    return f"{now.verdict.value} now, {later.verdict.value} later"


def _reading(reading: Reading, zone: tzinfo) -> StatedReading:
    return StatedReading(
        reading.verdict.value,
        reading.gained.answer.value,
        reading.lost.answer.value,
        _witness(reading.gained.witness, zone),
        _witness(reading.lost.witness, zone),
        reading.why,
    )


def _witness(witness: Witness | None, zone: tzinfo) -> StatedWitness | None:
    """A witness with values as JSON has them; decimals, dates and times are text."""
    if witness is None:
        return None
    values = {f"{space}.{name}": json_value(value) for (space, name), value in witness.values.items()}
    return StatedWitness(values, witness.moment.replace(tzinfo=zone).isoformat())


def json_value(value: Value) -> str | int | bool | tuple[str, ...] | None:
    """A value as JSON has it."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    if isinstance(value, date):
        return value.isoformat()
    return tuple(str(item) for item in value)


def moment_text(moment: datetime) -> str:
    """``2026-12-02 09:30``: a moment on a wall clock, to the minute where that is exact."""
    return moment.isoformat(" ", "minutes" if not (moment.second or moment.microsecond) else "auto")


@dataclass(frozen=True, slots=True)
class _Words:
    """The verbs of one kind of subject; ``more`` and ``some`` begin a sentence that a description completes."""

    more: str
    nobody_more: str
    some: str
    nobody_some: str
    whether_more: str
    whether_some: str
    same: str
    nobody: str
    everybody: str


_ELIGIBLE = _Words(
    more="more become eligible",
    nobody_more="nobody becomes eligible",
    some="some stop being eligible",
    nobody_some="nobody stops being eligible",
    whether_more="whether anybody becomes eligible",
    whether_some="whether anybody stops being eligible",
    same="the same contacts are eligible as before",
    nobody="nobody is eligible any more",
    everybody="everybody is eligible",
)
_MET = _Words(
    more="more meet it",
    nobody_more="nobody meets it who did not",
    some="some no longer meet it",
    nobody_some="everybody who met it still does",
    whether_more="whether anybody meets it who did not",
    whether_some="whether anybody no longer meets it",
    same="the same contacts meet it as before",
    nobody="nobody can meet it any more",
    everybody="everybody meets it",
)
_LIMITED = _Words(
    more="the rule applies to more",
    nobody_more="the rule applies to nobody new",
    some="the rule no longer applies to some",
    nobody_some="the rule still applies to everybody it applied to",
    whether_more="whether the rule applies to anybody new",
    whether_some="whether the rule no longer applies to somebody",
    same="the rule applies to the same contacts as before",
    nobody="the rule can apply to nobody any more",
    everybody="the rule applies to everybody",
)


def _sentences(comparison: Comparison, words: _Words, example_of: str) -> Iterator[str]:
    """The two one-sided sentences; where the readings of the clock differ, those of both, each with its moment."""
    now, later = comparison.now, comparison.later
    if _same(now) and _same(later):
        yield f"{_upper(words.same)}."
        return
    moment = moment_text(comparison.at)
    for side_now, side_later, side_words in (
        (now.gained, later.gained, (words.more, words.nobody_more, words.whether_more)),
        (now.lost, later.lost, (words.some, words.nobody_some, words.whether_some)),
    ):
        if _alike(side_now, side_later):
            yield f"{_upper(_side(side_now, side_words, example_of))}."
        else:
            yield f"At this moment ({moment}), {_side(side_now, side_words, example_of)}."
            yield f"{_later(side_later, side_words, example_of)}."
    yield from _extents(now, later, words, moment)


def _same(reading: Reading) -> bool:
    return reading.gained.answer is Existence.NONE and reading.lost.answer is Existence.NONE


def _alike(one: Side, other: Side) -> bool:
    return (one.answer, one.facts, one.exact, one.why) == (other.answer, other.facts, other.exact, other.why)


def _side(side: Side, words: tuple[str, str, str], example_of: str, *, dated: bool = False) -> str:
    some, none, whether = words
    if side.answer is Existence.NONE:
        return none
    if side.answer is Existence.UNDECIDED:
        return f"{whether} is not decided: {side.why or 'the solver cannot tell'}"
    text = some
    if side.facts:
        text += f"{': ' if side.exact else ', all of them '}{described(side.facts)}"
    if side.witness is not None:
        text += f", for example{f' (of {example_of})' if example_of else ''} {example(side.witness, dated=dated)}"
    return text


def _later(side: Side, words: tuple[str, str, str], example_of: str) -> str:
    if side.answer is Existence.UNDECIDED:
        return f"For the moments after it, {_side(side, words, example_of)}"
    if side.answer is Existence.NONE:
        return f"At every moment from then on, {words[1]}"
    return f"At some moment from then on, {_side(side, words, example_of, dated=True)}"


def _extents(now: Reading, later: Reading, words: _Words, moment: str) -> Iterator[str]:
    """That nobody, or everybody, is left with it afterwards."""
    for extent, text in ((Extent.NOBODY, words.nobody), (Extent.EVERYBODY, words.everybody)):
        if later.after is extent:
            yield f"{_upper(text)}, at every moment from then on."
        elif now.after is extent:
            yield f"{_upper(text)} at this moment ({moment})."


def described(facts: tuple[CommonFact, ...]) -> str:
    """``contacts whose segment is affluent, in calls whose page is /a``."""
    contacts, calls, offers, parameters = _by_subject([(fact.field, f"whose {_fact(fact)}") for fact in facts])
    parts = [f"in calls {calls}"] if calls else []
    parts += [f"for offers {offers}"] if offers else []
    parts += [f"with parameters {parameters}"] if parameters else []
    around = ", ".join(parts)
    return f"contacts {contacts}, {around}" if contacts and around else f"contacts {contacts or around}"


def _by_subject(texts: Iterable[tuple[tuple[str, str], str]]) -> tuple[str, str, str, str]:
    """The texts of fields, listed: those of the contact, the call, the offer, and the filter's parameters."""
    lists: dict[str, list[str]] = {"": [], CALL: [], OFFER: [], PARAMETER: []}
    for (namespace, _), text in texts:
        lists[namespace if namespace in lists else ""].append(text)
    contact, call, offer, parameter = map(and_list, lists.values())
    return contact, call, offer, parameter


def _fact(fact: CommonFact) -> str:
    name = fact.field[1]
    if fact.among:
        shown = [value_text(value) for value in fact.among[: _AMONG if len(fact.among) > _AMONG + 1 else None]]
        more = len(fact.among) - len(shown)
        return f"{name} is {or_list([*shown, f'one of {more:,} others'] if more else shown)}"
    least, most = fact.least, fact.most
    if least is None and most is None:
        return f"{name} is unknown"
    if least is None:
        return f"{name} is at most {value_text(most)}"
    if most is None:
        return f"{name} is at least {value_text(least)}"
    return (
        f"{name} is {value_text(least)}"
        if least == most
        else (f"{name} is from {value_text(least)} to {value_text(most)}")
    )


def example(witness: Witness, *, dated: bool = False) -> str:
    """``a contact with age 18 (invented)``; ``dated``: after the moment."""
    values = [(field, f"{field[1]} {value_text(value)}") for field, value in witness.values.items()]
    contact, call, offer, parameters = _by_subject(values)
    text = f"a contact with {contact}" if contact else "any contact"
    text += f", in a call with {call}" if call else ""
    text += f", for an offer with {offer}" if offer else ""
    text += f", with parameters {parameters}" if parameters else ""
    moment = f"on {moment_text(witness.moment).removesuffix(' 00:00')} " if dated else ""
    return f"{moment}{text} (invented)"


def value_text(value: Value) -> str:
    """A value in a sentence."""
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        plain = value.replace("-", "a").replace("_", "a").isalnum() and value not in _WORDS
        return clip(value, _VALUE) if plain else f"“{clip(value, _VALUE)}”"
    if isinstance(value, datetime):
        return moment_text(value)
    shown = json_value(value)
    if isinstance(shown, tuple):
        return and_list([value_text(item) for item in shown]) or "nothing listed"
    return str(shown)


def json_witness(witness: StatedWitness | None) -> Json:
    """The fields of an example by name; None without an example."""
    if witness is None:
        return None
    return {name: list(value) if isinstance(value, tuple) else value for name, value in witness.values.items()}


def _upper(text: str) -> str:
    return text[0].upper() + text[1:]
