"""The problems of an expression, with their positions."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One mistake; ``start`` and ``end`` (excluded) are offsets into the expression's text, from 0."""

    start: int
    end: int
    summary: str
    detail: str = ""
    hint: str = ""


class RuleError(Exception):
    """The expression cannot be used; ``problems`` has everything that was found, by position."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        """``problems`` are sorted by position and deduplicated."""
        self.problems = tuple(sorted(set(problems)))
        super().__init__("; ".join(problem.summary for problem in self.problems))


@dataclass(slots=True)
class ProblemList:
    """Collects the problems of one ``text``."""

    text: str
    problems: list[Problem] = field(default_factory=list)

    def add(self, start: int, end: int, summary: str, detail: str = "", hint: str = "") -> None:
        """Add a problem from ``start`` to ``end``; they follow a position in messages, so they start lower-case."""
        self.problems.append(Problem(start, end, summary[:1].lower() + summary[1:], detail, hint))

    def quote(self, start: int, end: int) -> str:
        """That part of the text on one line, shortened, in quotation marks unless it has its own."""
        part = shortened(" ".join(self.text[start:end].split()))
        return part if part[:1] == part[-1:] == "'" else f"“{part}”"

    def stop(self) -> RuleError:
        """The exception to raise."""
        return RuleError(tuple(self.problems))


def shortened(text: str, most: int = 60) -> str:
    """``text``, cut to at most ``most`` characters."""
    return text if len(text) <= most else text[: most - 1] + "…"
