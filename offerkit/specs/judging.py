"""Which expressions are sound: remembered from one run to the next, and found out on all cores.

A row of the parse cache holds a digest of each text, its names and what it has to give; only what is not in
it is parsed, so a run that changes one condition checks one, and one that changes none never imports sqlglot.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import partial
from typing import Any

from offerkit.rules.problems import Problem
from offerkit.specs.cache import Cache
from offerkit.specs.conditions import Question, judge_here
from offerkit.specs.parallel import Child, workers

WORTH_IT = 500
"""From so many expressions on, forking costs less than it saves."""
_WIDTH = 32


class RememberingJudge:
    """A judge that knows what was sound before; ``row`` is what to keep for the next run."""

    def __init__(self, cache: Cache, code: bytes) -> None:
        """``code`` is the digest of the code that decides."""
        self.key = hashlib.sha256(code + b"sound expressions").digest()
        self._known = _unpacked(cache.get([self.key]).get(self.key))
        self._sound: set[str] = set()

    @property
    def row(self) -> dict[bytes, Any]:
        """The row of what is sound now, if it is another than before."""
        return {} if self._sound == self._known else {self.key: {"sound": "".join(sorted(self._sound))}}

    def __call__(self, questions: Sequence[Question]) -> list[tuple[Problem, ...]]:
        """The problems of each question."""
        prints = [_print(question) for question in questions]
        fresh = [place for place, print_ in enumerate(prints) if print_ not in self._known]
        answers: list[tuple[Problem, ...]] = [()] * len(questions)
        for place, problems in zip(fresh, _judged([questions[place] for place in fresh]), strict=True):
            answers[place] = problems
        self._sound = {print_ for print_, problems in zip(prints, answers, strict=True) if not problems}
        return answers


def _print(question: Question) -> str:
    return hashlib.sha256("\0".join(question.key).encode()).hexdigest()[:_WIDTH]


def _unpacked(row: object) -> set[str]:
    sound = row.get("sound") if isinstance(row, dict) else None
    text = sound if isinstance(sound, str) else ""
    return {text[start : start + _WIDTH] for start in range(0, len(text), _WIDTH)}


def _judged(questions: Sequence[Question]) -> list[tuple[Problem, ...]]:
    if not questions:
        return []
    several = workers() if len(questions) >= WORTH_IT else 1
    if several < 2:
        return judge_here(questions)
    judge_here([])  # what checking imports is then imported once, not once in each child

    portions = [questions[start::several] for start in range(several)]
    children = [Child.start(partial(_sound_places, portion)) for portion in portions[1:]]
    answers: list[tuple[Problem, ...]] = [()] * len(questions)
    answers[::several] = judge_here(portions[0])
    for start, child in enumerate(children, 1):
        sound = child.answer()
        told = frozenset(sound if isinstance(sound, list) else ())
        # What a child found wrong, or a child that failed did not tell of, is looked at again here.
        doubtful = [place for place in range(len(portions[start])) if place not in told]
        for place, problems in zip(doubtful, judge_here([portions[start][p] for p in doubtful]), strict=True):
            answers[start + place * several] = problems
    return answers


def _sound_places(questions: Sequence[Question]) -> list[int]:
    return [place for place, problems in enumerate(judge_here(questions)) if not problems]
