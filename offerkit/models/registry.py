"""The model of each kind. A new kind needs a member of ``Kind`` and a file of that name here."""

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
    """The model of ``kind``, imported on first use, so that a run imports only the kinds it needs."""
    module, name = _CLASS_OF[kind]
    model: type[Resource] = getattr(import_module(module), name)
    return model
