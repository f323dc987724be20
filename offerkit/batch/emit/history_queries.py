"""The contact's own history in an emitted query (``eligible.history``): what counts, and the offers that it lets pass.

What conditions ask for is a relation of constants, joined with the propositions by offer and by category. Only numbers
above 0 are rows. So the work grows with the propositions and with what they count for, however much is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from offerkit.batch.emit.dialects import Dialect
from offerkit.batch.program import BatchProgram, Item
from offerkit.engine.contact_history import CountedPropositions, HistoryCondition, counted_by
from offerkit.models.status import Status, status_number
from offerkit.rules.types import BaseType
from offerkit.times import shift, utc


class HistoryQueries:
    """The parts of a query about conditions on the contact's history; false if there are none."""

    def __init__(self, program: BatchProgram, dialect: Dialect) -> None:
        self._program, self._dialect, self._q = program, dialect, dialect.quoted
        self._conditions = [_history_conditions(program, item) for item in program.items]
        self._codes = counted_by(condition for conditions in self._conditions for condition in conditions)

    def __bool__(self) -> bool:
        return bool(self._codes)

    def need(self, number: int) -> int:
        """How many conditions of an item do not hold for a contact without a history."""
        return sum(condition.least > 0 for condition in self._conditions[number])

    def parts(self) -> dict[str, str]:
        """By name, the queries up to ``kept``: by contact (``had``) and item, how many more conditions hold, or fewer,
        than without a history. They read ``past``.
        """
        offers = [(code, each, name) for each, code in self._codes.items() for name in sorted(each.offers)]
        categories = [(code, each, each.category) for each, code in self._codes.items() if each.category]
        result, found = {}, []
        if offers:
            result["asked_offer"] = self._asked(offers)
            found.append(self._found("asked_offer", "name", "offer"))
        if categories:
            result["asked_category"] = self._asked(categories)
            result["asked_path"] = self._paths()
            found.append(self._found("asked_path", "path", "category"))
        q = self._q
        columns = f"{q('had')}, {q('code')}"
        union = "\n  UNION ALL\n  ".join(found or [self._none()])
        result["counted"] = (
            f"SELECT {columns}, COUNT(*) AS {q('number')} FROM (\n  {union}\n  ) AS {q('found')} GROUP BY {columns}"
        )
        return {**result, **self._limits(), "kept": self._kept()}

    def _asked(self, rows: Sequence[tuple[int, CountedPropositions, str]]) -> str:
        """What is counted, by the name of an offer or category: since when, and with which status (null: any)."""
        now = self._program.call.now
        cells: list[list[str | int | None]] = [
            [code, name, utc(shift(now, -each.period)), status]
            for code, each, name in rows
            for status in map(_number, sorted(each.statuses) or [""])
        ]
        integer, text = (self._dialect.types[base] for base in (BaseType.INTEGER, BaseType.STRING))
        return self._dialect.relation(["code", "name", "since", "only"], [integer, text, text, integer], cells)

    def _paths(self) -> str:
        """What is counted, by the category in which something was proposed."""
        q = self._q
        path, name = self._dialect.collated(q("path")), q("name")
        below = f"{name} || {self._dialect.text('/')}"
        return (
            f"SELECT {q('path')}, {q('code')}, {q('since')}, {q('only')} FROM (SELECT DISTINCT {q('category')}"
            f" AS {q('path')} FROM {q('past')}) AS {q('proposed')} JOIN {q('asked_category')}"
            f" ON {path} = {name} OR {self._dialect.starts_with(path, below)}"
        )

    def _found(self, asked: str, name: str, column: str) -> str:
        """The contacts of propositions, and what each counts for."""
        q, words, past = self._q, self._dialect, self._q("past")
        time, now = f"{past}.{q('time')}", words.text(utc(self._program.call.now))
        return (
            f"SELECT {past}.{q('contact')} AS {q('had')}, {q(asked)}.{q('code')} FROM {past} JOIN {q(asked)}"
            f" ON {words.collated(f'{past}.{q(column)}')} = {q(asked)}.{q(name)}"
            f" WHERE {words.collated(time)} >= {q(asked)}.{q('since')} AND {time} <= {now}"
            f" AND ({q(asked)}.{q('only')} IS NULL OR {q(asked)}.{q('only')} = {past}.{q('status')})"
        )

    def _none(self) -> str:
        """No rows: what is asked for are themes that no offer has."""
        q = self._q
        return f"SELECT {q('contact')} AS {q('had')}, 0 AS {q('code')} FROM {q('past')} WHERE FALSE"

    def _limits(self) -> dict[str, str]:
        """The limits of conditions, those of the same items in one ``part``; and which items have which parts."""
        items: dict[HistoryCondition, list[int]] = {}
        for number, conditions in enumerate(self._conditions):
            for condition in conditions:
                items.setdefault(condition, []).append(number)
        parts: dict[tuple[int, ...], int] = {}
        limits: list[list[str | int | None]] = []
        for condition, numbers in items.items():
            part = parts.setdefault(tuple(numbers), len(parts))
            limits.append([part, self._codes[condition.counted], condition.least, condition.most])
        members: list[list[str | int | None]] = [[part, item] for numbers, part in parts.items() for item in numbers]
        integer, relation = self._dialect.types[BaseType.INTEGER], self._dialect.relation
        return {
            "limits": relation(["part", "code", "least", "most"], [integer] * 4, limits),
            "limited": relation(["part", "item"], [integer] * 2, members),
        }

    def _kept(self) -> str:
        q = self._q
        within = f"{q('number')} >= {q('least')} AND ({q('most')} IS NULL OR {q('number')} <= {q('most')})"
        more = f"CASE WHEN {within} THEN 1 ELSE 0 END - CASE WHEN {q('least')} = 0 THEN 1 ELSE 0 END"
        return (
            f"SELECT {q('had')}, {q('limited')}.{q('item')}, SUM({more}) AS {q('more')} FROM {q('counted')}"
            f" JOIN {q('limits')} ON {q('limits')}.{q('code')} = {q('counted')}.{q('code')}"
            f" JOIN {q('limited')} ON {q('limited')}.{q('part')} = {q('limits')}.{q('part')}"
            f" GROUP BY {q('had')}, {q('limited')}.{q('item')}"
        )


def _number(status: str) -> int | None:
    return status_number(Status(status)) if status else None


def _history_conditions(program: BatchProgram, item: Item) -> list[HistoryCondition]:
    """The conditions of an item on the contact's history."""
    conditions: Iterator[object] = (program.conditions[number] for number in item.conditions)
    return [condition for condition in conditions if isinstance(condition, HistoryCondition)]
