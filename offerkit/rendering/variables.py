"""What templates may name: the contact, the call data, the offer and the proposition, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TypeAlias

from offerkit.rendering.values import Plain, plain
from offerkit.rules.types import Row

_Namespace: TypeAlias = Mapping[str, Plain]

NO_VALUES: Row = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Variables:
    """The values of one rendering, namespace by namespace. Make it with :meth:`of`, then :meth:`about`.

    ``status_base`` is the address of the service that sets statuses (``https://offers.example/o``); empty: links
    are not tracked.
    """

    namespaces: Mapping[str, _Namespace]
    status_base: str = ""
    _proposition: str = field(default="")

    @classmethod
    def of(cls, dimension: str, contact: Row, call_data: Row = NO_VALUES, status_base: str = "") -> Variables:
        """The values of one contact and call; ``dimension`` names the contact (``recipient``)."""
        return cls({dimension: _frozen(contact), "interaction": _frozen(call_data)}, status_base)

    def about(self, offer: Row, proposition: Row = NO_VALUES) -> Variables:
        """The same, for one offer (name, code, label, category) and its proposition (id, rank, weight, space)."""
        made = {**self.namespaces, "offer": _frozen(offer), "proposition": _frozen(proposition)}
        identity = proposition.get("id")
        return replace(self, namespaces=made, _proposition="" if identity is None else str(identity))

    @property
    def proposition(self) -> str:
        """The proposition's id; empty when there is none, as in a preview."""
        return self._proposition


def _frozen(row: Row) -> _Namespace:
    # A copy that cannot be changed: of an object that is no plain value, the engine would call its methods.
    return MappingProxyType({name: plain(value) for name, value in row.items()})
