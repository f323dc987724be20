"""What two answers to one session differ in, and what of it is meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from offerkit_compare.expected import EXPECTED

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


def differences(seed: int, steps: list[dict[str, Any]], before: dict[str, Any], after: dict[str, Any]) -> Outcome:
    """All differences of a session. One that is expected and changes the store ends the comparison there."""
    found: list[Difference] = []
    meant: list[str] = []
    for number, (step, one, other) in enumerate(zip(steps, before["results"], after["results"], strict=True)):
        if "run" not in step:
            continue
        here = [
            Difference(seed, number, " ".join(step["run"]), part, one_text, other_text)
            for part, one_text, other_text in _parts(one, other)
            if one_text != other_text
        ]
        names = [next((rule.name for rule in EXPECTED if rule.explains(here, difference)), "") for difference in here]
        found += [difference for difference, name in zip(here, names, strict=True) if not name]
        meant += [name for name in names if name]
        if here and all(names) and any(difference.part == "store" for difference in here):
            return Outcome(found, meant, number)
    for name in sorted({*before["files"], *after["files"]}):
        one_text, other_text = before["files"].get(name, "(no such file)"), after["files"].get(name, "(no such file)")
        if one_text != other_text:
            difference = Difference(seed, len(steps), f"the file {name}", "content", one_text, other_text)
            name_of_rule = next((rule.name for rule in EXPECTED if rule.explains([difference], difference)), "")
            if name_of_rule:
                meant.append(name_of_rule)
            else:
                found.append(difference)
    return Outcome(found, meant, None)


@dataclass(frozen=True)
class Outcome:
    """What differs, the names of the rules that explain the rest, and where the comparison had to end."""

    found: list[Difference]
    meant: list[str]
    ended: int | None


def _parts(one: dict[str, Any], other: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    for part, key in (
        ("exit code", "code"),
        ("standard output", "stdout"),
        ("standard error", "stderr"),
        ("store", "store"),
    ):
        yield part, str(one[key]), str(other[key])
