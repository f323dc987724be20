"""What two answers to one session differ in, and what of it is meant."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from offerkit_compare.difference import Difference
from offerkit_compare.expected import INERT, explained


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
        names = [explained(difference) for difference in here]
        found += [difference for difference, those in zip(here, names, strict=True) if not those]
        meant += [name for those in names for name in those]
        stores = [those for difference, those in zip(here, names, strict=True) if difference.part == "store" and those]
        if all(names) and any(not INERT.issuperset(those) for those in stores):
            return Outcome(found, meant, number)
    for name in sorted({*before["files"], *after["files"]}):
        one_text, other_text = before["files"].get(name, "(no such file)"), after["files"].get(name, "(no such file)")
        if one_text != other_text:
            difference = Difference(seed, len(steps), f"the file {name}", "content", one_text, other_text)
            rules = explained(difference)
            meant += rules
            if not rules:
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
