"""Warnings that come with an answer."""

from __future__ import annotations

from dataclasses import dataclass

from offerkit.diagnostics import Code


@dataclass(frozen=True, slots=True)
class Report:
    """A warning that comes with an answer; ``where`` is an address or the name of a hook.

    ``hook``: the kind and the name of the hook that it is about.
    """

    code: Code
    message: str
    where: str = ""
    hook: tuple[str, str] | None = None
