"""Which model each kind has. A new kind is one new file and one line here."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from offerkit.address import Kind

if TYPE_CHECKING:
    from offerkit.models.base import Resource

_CLASS_OF = {kind: (f"offerkit.models.{kind}", kind.capitalize()) for kind in Kind}


@cache
def model_of(kind: Kind) -> type[Resource]:
    """The model of ``kind``, imported when first asked for: a run pays only for the kinds it meets."""
    module, name = _CLASS_OF[kind]
    model: type[Resource] = getattr(import_module(module), name)
    return model
