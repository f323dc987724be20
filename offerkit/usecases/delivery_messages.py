"""Renders the message of one recipient as html and text, or gives the reason for sending none."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
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
from offerkit.templates.render import RenderError
from offerkit.times import utc
from offerkit.usecases.delivery_selection import Choice, Recipient
from offerkit.usecases.planned_delivery import PlannedDelivery

OUTPUTS = ("html", "text")


class MessageProposition(TypedDict):
    """A proposition of a message; ``id`` is empty if the space stores nothing. ``data``: its extra data; ``product``:
    what a dynamic offer became, only then.
    """

    id: str
    offer: str
    category: str
    rank: int
    weight: str
    data: dict[str, Json]
    product: NotRequired[dict[str, Json]]


class Message(TypedDict):
    """A message as written to the file."""

    contact: str
    fields: dict[str, str | None]
    html: str
    text: str
    propositions: list[MessageProposition]


class SetAsideReason(StrEnum):
    """Why a contact gets no message (domain.md §2, the options of a delivery)."""

    NOT_TARGETED = "not in the target"
    TOO_FEW = "too few offers: excluded"
    MISSING = "an offer is missing: message cancelled"


@dataclass
class Failures:
    """Offers that could not be rendered: how often, and one example each."""

    counts: dict[str, int]
    examples: dict[str, str]

    def add(self, offer: str, contact: str, reason: str) -> None:
        self.counts[offer] = self.counts.get(offer, 0) + 1
        self.examples.setdefault(offer, f"{contact}: {reason}")


class MessageWriter:
    """Renders the messages of one delivery. ``fields``: contact fields that the sender needs besides the key."""

    def __init__(
        self,
        order: PlannedDelivery,
        data: Row,
        ids: Callable[[], str],
        status_base: str,
        fields: Sequence[str],
        *,
        keep: bool,
    ) -> None:
        """``ids`` makes ids of propositions; these are empty without ``keep``, or if the space stores nothing."""
        self._order, self._data, self._ids, self._fields = order, data, ids, fields
        self._renderer = order.live_space.renderer(status_base, Status.INTERESTED)
        self._keep = keep and order.space.storage.enabled
        self._extra = order.live_space.proposed_data
        self.failures = Failures({}, {})

    def data_read(self, offers: Iterable[str]) -> set[str]:
        """The call data that the texts of ``offers`` read on this space."""
        return self._renderer.data_read(offers)

    @property
    def reports(self) -> tuple[Report, ...]:
        """What cannot be stored with propositions."""
        return self._extra.reports

    def message(self, recipient: Recipient) -> Message | SetAsideReason:
        """The recipient's message, or the reason for sending none."""
        if recipient.choices is None:
            return SetAsideReason.NOT_TARGETED
        order, count = self._order, self._order.count
        offers: list[MessageProposition] = []
        parts: dict[str, list[str]] = {output: [] for output in OUTPUTS}
        for choice in recipient.choices:
            if len(offers) == count:
                break
            try:
                offers.append(self._offer(recipient, choice, len(offers) + 1, parts))
            except RenderError as error:
                self.failures.add(order.catalog.offers[choice.position].name, recipient.key, str(error))
        if len(offers) < count and order.body.exclude_recipients_with_too_few_offers:
            return SetAsideReason.TOO_FEW
        if len(offers) < count and not order.body.show_nothing_where_missing:
            return SetAsideReason.MISSING
        return {
            "contact": recipient.key,
            "fields": {
                name: show(recipient.contact[name]) if recipient.contact[name] is not None else None
                for name in self._fields
            },
            "html": "\n".join(parts["html"]),
            "text": "\n\n".join(parts["text"]),
            "propositions": offers,
        }

    def _offer(
        self, recipient: Recipient, choice: Choice, rank: int, parts: Mapping[str, list[str]]
    ) -> MessageProposition:
        order = self._order
        offer = order.catalog.offers[choice.position]
        data = self._data if recipient.data is None else recipient.data
        id_ = self._ids() if self._keep else ""
        about: Row = {"id": id_ or None, "rank": rank, "weight": choice.weight, "space": order.body.space}
        _, rendered = self._renderer.show(offer.name, choice.product, recipient.contact, data, about, OUTPUTS)
        for output in OUTPUTS:
            parts[output].append(rendered[output])
        proposition = PastProposition(
            offer=offer.name,
            category=offer.category,
            space=order.body.space,
            channel=order.space.channel,
            status=order.space.storage.proposed,
            time=order.at,
            weight=choice.weight,
            rank=rank,
        )
        product = product_row(order.catalog, choice.product)
        made: MessageProposition = {
            "id": id_,
            "offer": offer.name,
            "category": offer.category,
            "rank": rank,
            "weight": weight_text(choice.weight),
            "data": self._extra.values(recipient.contact, data, offer.row, proposition, order.at, product),
        }
        stored = stored_product(choice.product)
        if stored is not None:
            made["product"] = stored
        return made


def proposition_rows(order: PlannedDelivery, run: str, message: Message) -> list[PropositionRow]:
    """The propositions of a message for the store; none if the space stores nothing."""
    time = utc(order.at)
    return [
        PropositionRow(
            id=proposition["id"],
            environment=order.environment,
            contact=message["contact"],
            space=order.body.space,
            channel=order.space.channel,
            offer=proposition["offer"],
            category=proposition["category"],
            interaction=run,
            rank=proposition["rank"],
            weight=Decimal(proposition["weight"]),
            status=Status(order.space.storage.proposed),
            time=time,
            changed=time,
            revision=order.catalog.revision,
            proposed=proposition["data"],
            product=proposition.get("product"),
        )
        for proposition in message["propositions"]
        if proposition["id"]
    ]
