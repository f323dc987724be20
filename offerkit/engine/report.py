"""What went wrong on the way to an answer that is given all the same."""

from __future__ import annotations

from dataclasses import dataclass

from offerkit.diagnostics import Code


@dataclass(frozen=True, slots=True)
class Report:
    """A warning beside the answer: its code, a sentence for the user, and where (an address, a hook, a name)."""

    code: Code
    message: str
    where: str = ""
