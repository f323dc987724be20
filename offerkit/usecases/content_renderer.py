"""Renders an offer on a space as a contact would see it: fields personalised, rendering functions applied."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from offerkit.address import Address, Kind, environment_address
from offerkit.engine.catalog import Catalog
from offerkit.engine.extra_data import product_row
from offerkit.models.status import Status, status_number
from offerkit.rules.types import Row, Value
from offerkit.rules.values import show
from offerkit.state.snapshot import Snapshot
from offerkit.templates.inspection import inspect
from offerkit.templates.render import OfferContent, Renderer
from offerkit.templates.variables import FrozenRow, Variables


@dataclass(frozen=True, slots=True)
class _Offer:
    """An offer's texts on the space, and its content if that is the same for all contacts."""

    row: FrozenRow
    texts: Mapping[str, str]
    constant: OfferContent | None


class ContentRenderer:
    """Renders the offers of one stage on one space."""

    def __init__(
        self, view: Snapshot, catalog: Catalog, space: str, status_base: str = "", clicked: Status | None = None
    ) -> None:
        """``status_base``: base URL of the service that sets statuses; empty: links are not tracked.

        ``clicked``: the status that a tracked link sets; by default the space's status for accepted offers.
        """
        self._view, self._catalog, self._space, self.status_base = view, catalog, space, status_base
        environment = self._view(environment_address(catalog.environment)) or {}
        body = self._view(Address(catalog.environment, Kind.SPACE, space)) or {}
        self._renderer = Renderer.of(body, str(environment.get("assets") or ""))
        if clicked is not None:
            look = replace(self._renderer.look, accepted=status_number(clicked))
            self._renderer = replace(self._renderer, look=look)
        self._offers: dict[str, _Offer] = {}
        self._last: tuple[Row, Row, Variables] | None = None

    def show(
        self,
        offer: str,
        product: Mapping[str, Value] | None,
        contact: Row,
        data: Row,
        proposition: Row,
        outputs: Collection[str],
    ) -> tuple[Mapping[str, str], dict[str, str]]:
        """The fields of ``offer`` on the space, and its rendering in each of ``outputs``.

        ``product``: the product of a dynamic offer; its fields replace the offer's fields of the same name. Raises
        RenderError when a required field is empty, a URL is not http(s), or a template fails.
        """
        fields = self.constant(offer, product, outputs)
        if fields is not None:
            return fields, {}
        prepared = self._offer(offer)
        content = prepared.constant
        variables = self._about(contact, data).about(prepared.row, proposition, self._product(product))
        if content is None or product is not None:
            content = self._renderer.content(prepared.texts, variables, _data(product))
        return content.fields, {output: self._renderer.output(content, variables, output) for output in outputs}

    def constant(
        self, offer: str, product: Mapping[str, Value] | None, outputs: Collection[str]
    ) -> Mapping[str, str] | None:
        """All that :meth:`show` gives, if it is the same for every contact: fields, and nothing rendered."""
        if outputs or product is not None:
            return None
        content = self._offer(offer).constant
        return None if content is None else content.fields

    def _product(self, product: Mapping[str, Value] | None) -> Row | None:
        """The template variables ``product.<field>``; None if the environment declares none."""
        return product_row(self._catalog, product) if self._catalog.product_fields else None

    def data_read(self, offers: Iterable[str]) -> set[str]:
        """The names of the call data that the texts of ``offers`` and the rendering functions read."""
        used = self._names_in(text for text in self._texts(offers) if "interaction" in text)
        return {parts[1] for parts in used if parts[0] == "interaction" and len(parts) > 1}

    def fields_read(self, offers: Iterable[str]) -> set[tuple[str, str]]:
        """The (namespace, field) pairs of contact and call data that these texts read.

        What names a contact or the call data as a whole reads all of its fields.
        """
        whole = {self._catalog.dimension.name: self._catalog.nobody, "interaction": self._catalog.no_data}
        pairs: set[tuple[str, str]] = set()
        for space, *names in self._names_in(self._texts(offers)):
            if space in whole:
                pairs.update((space, name) for name in (names[:1] or whole[space]))
        return pairs

    def _texts(self, offers: Iterable[str]) -> list[str]:
        texts = [*self._renderer.look.functions.values()]
        return texts + [text for offer in offers for text in self._offer(offer).texts.values()]

    @staticmethod
    def _names_in(texts: Iterable[str]) -> Iterator[list[str]]:
        """The dotted names that templates use, each in its parts."""
        return (name.split(".") for text in texts for name in inspect(text).variables)

    def _about(self, contact: Row, data: Row) -> Variables:
        """Template variables for a contact and its call data, built once for all offers shown to it."""
        cached = self._last
        if cached is None or cached[0] is not contact or cached[1] is not data:
            variables = Variables.of(self._catalog.dimension.name, contact, data, self.status_base)
            cached = self._last = (contact, data, variables)
        return cached[2]

    def _offer(self, name: str) -> _Offer:
        if name not in self._offers:
            compiled_offer = self._catalog.offers[self._catalog.position_of[name]]
            content = self._view.offer(compiled_offer.address).content(self._space)
            texts = {field: str(text) for field, text in content.items()}
            self._offers[name] = _Offer(FrozenRow(compiled_offer.row), texts, self._renderer.constant(texts))
        return self._offers[name]


def _data(product: Mapping[str, Value] | None) -> dict[str, str]:
    return {name: show(value) for name, value in (product or {}).items() if value is not None}
