"""An offer as its spaces render it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SpacePreview:
    """One space: the personalised fields, each output rendered from them, and why it cannot be shown, if so."""

    space: str
    channel: str
    fields: Mapping[str, str]
    rendered: Mapping[str, str]
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Preview:
    """An offer on some spaces of a stage; ``contact`` as requested, empty for no particular one.

    ``example``: the call-data example that was used, if one was.
    """

    offer: str
    stage: str
    contact: str
    spaces: tuple[SpacePreview, ...]
    example: str = ""
