"""Warnings that come with an answer."""

from __future__ import annotations

from dataclasses import dataclass

from offerkit.diagnostics import Code


@dataclass(frozen=True, slots=True)
class Report:
    """A warning that comes with an answer; ``where`` is an address or the name of a hook."""

    code: Code
    message: str
    where: str = ""
