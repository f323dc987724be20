"""The values that templates can use: contact, call data, offer and proposition, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TypeAlias

from offerkit.rules.types import Row
from offerkit.templates.values import Plain, plain

_Namespace: TypeAlias = Mapping[str, Plain]

NO_VALUES: Row = MappingProxyType({})


class FrozenRow:
    """A row as templates see it, made when the first one asks: most texts are no templates."""

    __slots__ = ("_made", "_row")

    def __init__(self, row: Row) -> None:
        """``row`` is not changed any more."""
        self._row = row
        self._made: _Namespace | None = None

    @property
    def values(self) -> _Namespace:
        """A copy that cannot be changed: of an object that is no plain value, the engine would call its methods."""
        if self._made is None:
            self._made = MappingProxyType({name: plain(value) for name, value in self._row.items()})
        return self._made


class Variables:
    """The values of one rendering, namespace by namespace. Make it with :meth:`of`, then :meth:`about`."""

    __slots__ = ("_rows", "proposition", "status_base")

    def __init__(self, rows: Mapping[str, FrozenRow], status_base: str = "", proposition: str = "") -> None:
        """Take over ``rows``, by namespace.

        ``status_base`` is the address of the service that sets statuses (``https://offers.example/o``); empty: links
        are not tracked. ``proposition``: its id; empty without a proposition, as in a preview.
        """
        self._rows = rows
        self.status_base = status_base
        self.proposition = proposition

    @classmethod
    def of(cls, dimension: str, contact: Row, call_data: Row = NO_VALUES, status_base: str = "") -> Variables:
        """The values of one contact and call; ``dimension`` names the contact (``recipient``)."""
        return cls({dimension: FrozenRow(contact), "interaction": FrozenRow(call_data)}, status_base)

    def about(self, offer: Row | FrozenRow, proposition: Row = NO_VALUES, product: Row | None = None) -> Variables:
        """The same, for one offer (name, code, label, category) and its proposition (id, rank, weight, space).

        ``product``: the values of the product that it became; None: templates cannot name any.
        """
        known = offer if isinstance(offer, FrozenRow) else FrozenRow(offer)
        rows = {**self._rows, "offer": known, "proposition": FrozenRow(proposition)}
        if product is not None:
            rows["product"] = FrozenRow(product)
        identity = proposition.get("id")
        return Variables(rows, self.status_base, "" if identity is None else str(identity))

    @property
    def namespaces(self) -> Mapping[str, _Namespace]:
        """What templates may name."""
        return {name: row.values for name, row in self._rows.items()}
