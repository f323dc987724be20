"""Renders the message of one recipient as html and text, or gives the reason for sending none."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import NotRequired, TypedDict

from offerkit.engine.extra_data import product_row, stored_product
from offerkit.engine.history import PastProposition
from offerkit.engine.report import Report
from offerkit.fingerprint import Json
from offerkit.models.status import Status
from offerkit.rules.types import Row
from offerkit.rules.values import show
from offerkit.store import PropositionRow
from offerkit.store.proposition_rows import weight_text
from offerkit.templates.message import MessageTemplate
from offerkit.templates.render import RenderError
from offerkit.templates.variables import Variables
from offerkit.times import utc
from offerkit.usecases.delivery_selection import Choice, ChoosePart, Recipient
from offerkit.usecases.planned_delivery import PlannedDelivery, PlannedPart
from offerkit.usecases.propose import REFILLS

OUTPUTS = ("html", "text")


class MessageProposition(TypedDict):
    """A proposition of a message; ``id`` is empty if the space stores nothing. ``data``: its extra data; ``product``:
    what a dynamic offer became, only then. ``slot`` and ``space``: only in messages with slots.
    """

    id: str
    offer: str
    category: str
    rank: int
    weight: str
    data: dict[str, Json]
    product: NotRequired[dict[str, Json]]
    slot: NotRequired[str]
    space: NotRequired[str]


class Message(TypedDict):
    """A message as written to the file. ``missing``: why offers that a field names are not in it, if any are not."""

    contact: str
    fields: dict[str, str | None]
    html: str
    text: str
    propositions: list[MessageProposition]
    missing: NotRequired[list[str]]


class SetAsideReason(StrEnum):
    """Why a contact gets no message (domain.md §2, the options of a delivery)."""

    NOT_TARGETED = "not in the target"
    TOO_FEW = "too few offers: excluded"
    MISSING = "an offer is missing: message cancelled"
    NO_BODY = "the body cannot be rendered: message cancelled"


@dataclass(frozen=True)
class SetAsideContact:
    """A contact that gets no message: why, in which slot, and what is wrong with the offer that a field names."""

    reason: SetAsideReason
    slot: str = ""
    missing: str = ""

    def __str__(self) -> str:
        """As in the list of contacts that were set aside."""
        slot = f", in slot {self.slot}" if self.slot else ""
        return f"{self.reason}{slot}" + (f" ({self.missing})" if self.missing else "")


@dataclass
class Failures:
    """Offers that could not be rendered: how often, and one example each."""

    counts: dict[str, int]
    examples: dict[str, tuple[str, str]]
    """By offer: a contact's key, and the reason."""

    def add(self, offer: str, contact: str, reason: str) -> None:
        self.counts[offer] = self.counts.get(offer, 0) + 1
        self.examples.setdefault(offer, (contact, reason))


class _PartWriter:
    """Renders the offers of one part of a message."""

    def __init__(self, order: PlannedDelivery, part: PlannedPart, status_base: str, *, keep: bool) -> None:
        self.part = part
        self.renderer = part.live_space.renderer(status_base, Status.INTERESTED)
        self.keep = keep and part.space.storage.enabled
        self.extra = part.live_space.proposed_data
        self._order = order

    def name(self, choice: Choice) -> str:
        """The name of an offer."""
        return self.part.catalog.offers[choice.position].name

    def about(self, choice: Choice, rank: int, id_: str) -> Row:
        """What texts can read of the proposition."""
        return {"id": id_ or None, "rank": rank, "weight": choice.weight, "space": self.part.where}

    def proposition(self, recipient: Recipient, data: Row, choice: Choice, rank: int, id_: str) -> MessageProposition:
        """The proposition as written to the file."""
        part, order = self.part, self._order
        offer = part.catalog.offers[choice.position]
        past = PastProposition(
            offer=offer.name,
            category=offer.category,
            space=part.where,
            channel=part.space.channel,
            status=part.space.storage.proposed,
            time=order.at,
            weight=choice.weight,
            rank=rank,
        )
        product = product_row(part.catalog, choice.product)
        written: MessageProposition = {
            "id": id_,
            "offer": offer.name,
            "category": offer.category,
            "rank": rank,
            "weight": weight_text(choice.weight),
            "data": self.extra.values(recipient.contact, data, offer.row, past, order.at, product),
        }
        stored = stored_product(choice.product)
        if stored is not None:
            written["product"] = stored
        if part.name:
            written |= {"slot": part.name, "space": part.where}
        return written


@dataclass
class _Draft:
    """A message while it is written: its propositions, and the renderings of each slot by output."""

    propositions: list[MessageProposition] = field(default_factory=list)
    shown: dict[str, dict[str, list[str]]] = field(default_factory=lambda: {output: {} for output in OUTPUTS})
    missing: list[str] = field(default_factory=list)
    ranks: dict[str, int] = field(default_factory=dict)
    used: frozenset[str] = frozenset()

    def add(self, part: PlannedPart, proposition: MessageProposition, rendered: Mapping[str, str]) -> None:
        """Add an offer to a part."""
        self.propositions.append(proposition)
        self.used |= {proposition["offer"]}
        self.ranks[part.where] = proposition["rank"]
        for output in OUTPUTS:
            self.shown[output][part.name].append(rendered[output])


class MessageWriter:
    """Renders the messages of one delivery. ``fields``: contact fields that the sender needs besides the key."""

    def __init__(
        self, order: PlannedDelivery, ids: Callable[[], str], status_base: str, fields: Sequence[str], *, keep: bool
    ) -> None:
        """``ids`` makes ids of propositions; these are empty without ``keep``, or if the space stores nothing."""
        self._order, self._ids, self._fields, self._status_base = order, ids, fields, status_base
        self._parts = [_PartWriter(order, part, status_base, keep=keep) for part in order.parts]
        body = order.body.body
        self._template = MessageTemplate({output: text for output, text in body or () if text is not None})
        self.failures = Failures({}, {})

    def data_read(self, offers: Iterable[tuple[str, str]]) -> set[str]:
        """The call data that the body and the texts of ``offers`` read; each is the name of its part, and its own."""
        by_part: dict[str, set[str]] = {}
        for part, offer in offers:
            by_part.setdefault(part, set()).add(offer)
        read = self._template.data_read()
        return read.union(*(one.renderer.data_read(by_part.get(one.part.name, ())) for one in self._parts))

    @property
    def reports(self) -> tuple[Report, ...]:
        """What cannot be stored with propositions."""
        return tuple(dict.fromkeys(report for part in self._parts for report in part.extra.reports))

    def message(self, recipient: Recipient) -> Message | SetAsideContact:
        """The recipient's message, or the reason for sending none."""
        if recipient.parts is None:
            return SetAsideContact(SetAsideReason.NOT_TARGETED)
        draft = _Draft()
        for writer, choose in zip(self._parts, recipient.parts, strict=True):
            aside = self._fill(draft, writer, recipient, choose)
            if aside is not None:
                return aside
        about = Variables.of(self._order.catalog.dimension.name, recipient.contact, recipient.data, self._status_base)
        try:
            html, text = (self._template.render(output, draft.shown[output], about) for output in OUTPUTS)
        except RenderError as error:
            self.failures.add("the message", recipient.key, str(error))
            return SetAsideContact(SetAsideReason.NO_BODY)
        message: Message = {
            "contact": recipient.key,
            "fields": {
                name: show(recipient.contact[name]) if recipient.contact[name] is not None else None
                for name in self._fields
            },
            "html": html,
            "text": text,
            "propositions": draft.propositions,
        }
        if draft.missing:
            message["missing"] = draft.missing
        return message

    def _fill(
        self, draft: _Draft, writer: _PartWriter, recipient: Recipient, choose: ChoosePart
    ) -> SetAsideContact | None:
        """Add the offers of one part to the message; returns why no message is sent, if the part has too few."""
        part = writer.part
        failed: frozenset[str] = frozenset()
        for _ in range(REFILLS):
            skipped = draft.used | failed
            chosen = choose(skipped)
            data = recipient.data if chosen.data is None else chosen.data
            left = [one for one in chosen.choices if writer.name(one) not in skipped][: part.count]
            shown = self._shown(draft, writer, recipient, data, left)
            if len(shown) == len(left):
                break
            failed |= {writer.name(one) for one in left} - {proposition["offer"] for proposition, _ in shown}
        for output in OUTPUTS:
            draft.shown[output][part.name] = []
        for proposition, rendered in shown:
            draft.add(part, proposition, rendered)
        if len(shown) < part.count and part.body.exclude_recipients_with_too_few_offers:
            return SetAsideContact(SetAsideReason.TOO_FEW, part.name, chosen.missing)
        if len(shown) < part.count and not part.body.show_nothing_where_missing:
            return SetAsideContact(SetAsideReason.MISSING, part.name, chosen.missing)
        if chosen.missing:
            draft.missing.append(f"{chosen.missing}, in slot {part.name}" if part.name else chosen.missing)
        return None

    def _shown(
        self, draft: _Draft, writer: _PartWriter, recipient: Recipient, data: Row, choices: Sequence[Choice]
    ) -> list[tuple[MessageProposition, Mapping[str, str]]]:
        """Those of ``choices`` that can be rendered, with their renderings."""
        earlier = draft.ranks.get(writer.part.where, 0)
        shown: list[tuple[MessageProposition, Mapping[str, str]]] = []
        for choice in choices:
            rank, id_ = earlier + len(shown) + 1, self._ids() if writer.keep else ""
            about = writer.about(choice, rank, id_)
            try:
                _, rendered = writer.renderer.show(
                    writer.name(choice), choice.product, recipient.contact, data, about, OUTPUTS
                )
            except RenderError as error:
                self.failures.add(writer.name(choice), recipient.key, str(error))
                continue
            shown.append((writer.proposition(recipient, data, choice, rank, id_), rendered))
        return shown


def proposition_rows(order: PlannedDelivery, run: str, message: Message) -> list[PropositionRow]:
    """The propositions of a message for the store; none of spaces that store nothing."""
    time = utc(order.at)
    spaces = {part.where: part.space for part in order.parts}
    rows = []
    for proposition in message["propositions"]:
        name = proposition.get("space", order.parts[0].where)
        space = spaces[name]
        if not proposition["id"]:
            continue
        rows.append(
            PropositionRow(
                id=proposition["id"],
                environment=order.environment,
                contact=message["contact"],
                space=name,
                channel=space.channel,
                offer=proposition["offer"],
                category=proposition["category"],
                interaction=run,
                rank=proposition["rank"],
                weight=Decimal(proposition["weight"]),
                status=Status(space.storage.proposed),
                time=time,
                changed=time,
                revision=order.catalog.revision,
                proposed=proposition["data"],
                product=proposition.get("product"),
            )
        )
    return rows
