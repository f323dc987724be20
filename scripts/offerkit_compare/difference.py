"""Something that two versions answer differently."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

MOST_LINES = 40


@dataclass(frozen=True)
class Difference:
    """Something that two versions answer differently: ``part`` of a command, or a file at the end."""

    seed: int
    step: int
    where: str
    part: str
    before: str
    after: str

    def __str__(self) -> str:
        lines = difflib.unified_diff(
            self.before.splitlines(), self.after.splitlines(), "before", "after", lineterm="", n=2
        )
        shown = list(lines)
        more = len(shown) - MOST_LINES
        text = "\n".join(f"    {line[:400]}" for line in shown[:MOST_LINES])
        rest = f"\n    … and {more} more lines" if more > 0 else ""
        return f"project {self.seed}, step {self.step}: {self.where}: {self.part} differs\n{text}{rest}"
