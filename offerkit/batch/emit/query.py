"""Emits one query that decides for all contacts, for an engine with the contacts and the history as tables.

Its result is what ``simulate --out`` writes: space, contact, rank, offer, category. The offers are a relation of
constants; each distinct condition and formula is evaluated once for a contact, into an array, and an offer refers to
them by index. So the text grows with the offers, and the work with contacts times offers, in every engine.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from functools import cached_property, partial

from offerkit.batch.condition_sql import fields_read, gives_integer
from offerkit.batch.emit.common import NotEmittedError
from offerkit.batch.emit.conditions import Conditions
from offerkit.batch.emit.dialects import Dialect
from offerkit.batch.emit.engines import DIALECTS
from offerkit.batch.emit.history_queries import HistoryQueries
from offerkit.batch.emit.rule_queries import WHY, InputTables, RuleQueries
from offerkit.batch.program import BatchProgram, Item, weights_of
from offerkit.diagnostics import Code, Diagnostic, Refused
from offerkit.engine.condition import BoundCondition
from offerkit.engine.contact_history import HistoryCondition
from offerkit.engine.presentation_rules import applicable_offers
from offerkit.engine.ranking import tie_text
from offerkit.engine.resources import PresentationRule
from offerkit.engine.space_program import ComputedOffer, bits_of
from offerkit.engine.weights import times
from offerkit.rules.types import BaseType, Row


def emit(program: BatchProgram, dialect: str, tables: InputTables) -> str:
    """The query in ``dialect``. Raises Refused with everything that has no equivalent there."""
    return _Emitter(program, DIALECTS[dialect], tables).query()


_CONDITION_COLUMNS = 4
"""An offer's conditions in columns of their own; further ones are joined into one."""


class _Emitter:
    def __init__(self, program: BatchProgram, dialect: Dialect, tables: InputTables) -> None:
        self._program, self._dialect, self._tables = program, dialect, tables
        self._q = dialect.quoted
        self._problems: dict[tuple[str, str], Diagnostic] = {}
        self._conditions: dict[str, int] = {"TRUE": 0, "FALSE": 1}
        """By the SQL of conditions: indexes in the array ``holds``."""
        self._written: dict[BoundCondition, str] = {}
        self._rule_queries = RuleQueries(program, dialect, tables, self._refuse)
        self._histories = HistoryQueries(program, dialect)
        self._wide = 1
        """The number of an offer's columns with indexes in ``holds``."""
        space = program.catalog.spaces[program.call.space]
        self._rules = [
            (place, rule) for place, rule in enumerate(program.catalog.rules) if rule.channel in ("", space.channel)
        ]

    def query(self) -> str:
        program, q = self._program, self._q
        self._refuse_hooks()
        reached_maximums = {f"over{place}": self._rule_queries.over(rule) for place, rule in self._rules}
        # The conditions and fields of contacts are known once everything else is written.
        items, candidate = self._items(), self._candidate()
        held = self._held()
        parts = {"contact": self._contact()}
        past = self._rule_queries.past() if reached_maximums or self._histories else {}
        kept = self._histories.parts() if self._histories else {}
        parts |= {"held": held, "item": items, **past, **reached_maximums, **kept}
        parts |= {"candidate": candidate, "best": self._best()}
        once = self._dialect.materialized
        written = [f"{q(name)} AS {once if name == 'held' else ''}(\n  {sql}\n)" for name, sql in parts.items()]
        space = self._dialect.text(f"{program.catalog.environment}/{program.call.space}")
        last = (
            f"SELECT {space} AS {q('space')}, {q('k')} AS {q('contact')}, {q('rank')}, {q('offer')}, {q('category')}\n"
            f"FROM (\n  SELECT {q('k')}, {q('offer')}, {q('category')}, ROW_NUMBER() OVER (PARTITION BY {q('k')}"
            f" ORDER BY {q('weight')} DESC, {q('mixed')}, {q('place')}) AS {q('rank')}\n"
            f"  FROM {q('best')} WHERE {q('nth')} = 1\n) AS {q('ranked')}\nWHERE {q('rank')} <= {program.call.n}"
        )
        if self._problems:
            raise Refused(list(self._problems.values()))
        return "WITH " + ",\n".join(written) + "\n" + last + "\n"

    def _refuse_hooks(self) -> None:
        catalog = self._program.catalog
        space = catalog.spaces[self._program.call.space]
        hooks = [space.target_loading, space.post_processing]
        hooks += [weight.dynamic for weight in weights_of(self._program.space_program)]
        for name in sorted({name for name in hooks if name}):
            self._refuse(f"the hook “{name}”", f"{catalog.environment}/space.{space.name}", "Hooks are Python.")

    def _refuse(self, what: str, address: str, why: str) -> None:
        self._problems.setdefault(
            (what, address),
            Diagnostic(
                Code.NOT_EMITTED,
                f"{what} has no equivalent in a query for {self._dialect.name}",
                why,
                "Use the embedded engine (offerkit simulate --out), choose other spaces, or rewrite it.",
                address,
            ),
        )

    # Contacts

    def _contact(self) -> str:
        """Keys as text, and the fields that are read, in their types."""
        q, dimension = self._q, self._program.catalog.dimension
        bar = self._dialect.text("|")
        parts = []
        for name in dimension.key:
            try:
                parts.append(self._dialect.key(q(name), dimension.fields[name]))
            except NotEmittedError as error:
                self._refuse(str(error), f"dimension.{dimension.name}", WHY)
        read = sorted({name for condition in self._written for name in fields_read(condition)})
        fields = "".join(
            f", {self._dialect.field(q(name), dimension.fields[name])} AS {q('f_' + name)}" for name in read
        )
        table = self._dialect.table(self._tables.contacts)
        return f"SELECT {f' || {bar} || '.join(parts)} AS {q('k')}{fields} FROM {table}"

    def _held(self) -> str:
        """Each contact with the conditions that hold for it and its computed weights."""
        q, program, words = self._q, self._program, self._dialect
        digest = words.md5(f"{words.text(tie_text(program.call.seed, program.facts.today))} || {q('k')}")
        high = words.from_hex(f"SUBSTRING({digest}, 9, 8)")
        holds = ["TRUE", "FALSE", *(f"COALESCE({sql}, FALSE)" for sql in list(self._conditions)[2:])]
        columns = [
            q("k"),
            f"{words.from_hex(f'SUBSTRING({digest}, 1, 8)')} AS {q('shift')}",
            f"{high} - MOD({high}, 2) + 1 AS {q('factor')}",
            f"{words.array(holds)} AS {q('holds')}",
        ]
        if program.space_program.computed:
            columns.append(f"{words.array(list(map(self._computed, program.space_program.computed)))} AS {q('worth')}")
        required = program.catalog.requirements
        tests = [f"{q('k')} IS NOT NULL", *(self._condition_sql(each.condition, each.address) for each in required)]
        return f"SELECT {', '.join(columns)} FROM {q('contact')} WHERE {' AND '.join(tests)}"

    def _place(self, conditions: Sequence[tuple[BoundCondition, str]]) -> int:
        """The index in ``holds`` of whether all ``conditions`` hold."""
        return self._conditions.setdefault(
            " AND ".join(self._condition_sql(*condition) for condition in conditions), len(self._conditions)
        )

    # Offers

    def _items(self) -> str:
        program, words = self._program, self._dialect
        abouts = [self._about(place, rule) for place, rule in self._rules]
        size = len(program.items)
        needs = [self._needs(item) for item in program.items]
        self._wide = wide = max(map(len, needs), default=0) or 1
        rows: list[list[str | int | None]] = []
        computed = 0
        for number_, (item, need) in enumerate(zip(program.items, needs, strict=True)):
            offer = program.catalog.offers[item.position]
            about = "".join(str(about >> (size - 1 - number_) & 1) for about in abouts)
            weight, formula = (f"{item.weight:f}", None) if item.weight is not None else (None, computed)
            computed += item.weight is None
            rows.append(
                [
                    number_,
                    item.position,
                    offer.name,
                    offer.category,
                    offer.tie,
                    weight,
                    formula,
                    about,
                    *(need + [0] * wide)[:wide],
                    *([self._histories.need(number_)] if self._histories else []),
                ]
            )
        if not rows:
            rows.append([0, 0, "", "", 0, "0", None, "", 1])
        integer, text, place = words.types[BaseType.INTEGER], words.types[BaseType.STRING], words.place_type()
        kinds = [integer, integer, text, text, integer, self._weight_type, place, text, *[place] * wide]
        names = [*_ITEM, "about", *(f"g{number_}" for number_ in range(wide))]
        if self._histories:
            kinds, names = [*kinds, integer], [*names, "need"]
        return words.relation(names, kinds, rows)

    def _needs(self, item: Item) -> list[int]:
        address = self._program.catalog.offers[item.position].address
        conditions = [
            (condition, address)
            for condition in map(self._program.conditions.__getitem__, item.conditions)
            if not isinstance(condition, HistoryCondition)
        ]
        single = conditions if len(conditions) <= _CONDITION_COLUMNS else conditions[: _CONDITION_COLUMNS - 1]
        places = [self._place([condition]) for condition in single]
        return (
            places if len(single) == len(conditions) else [*places, self._place(conditions[_CONDITION_COLUMNS - 1 :])]
        )

    def _about(self, place: int, rule: PresentationRule) -> int:
        known = self._program.space_program.about[place]
        if known is not None:
            return known
        return bits_of(
            applicable_offers(self._program.catalog, rule, self._program.facts), self._program.space_program.of_offer
        )

    @cached_property
    def _weight_type(self) -> str:
        """A type that represents every weight exactly, so that comparing rounds nothing."""
        numbers = [item.weight for item in self._program.items if item.weight is not None]
        sizes = [(1, 0), *map(_size, numbers)]
        for part in self._program.space_program.computed:
            integer_digits, digits = _size(times(Decimal(1), part.factors))
            for weight in part.weights:
                if weight.formula is None:
                    sizes.append(_size(times(weight.number or Decimal(0), part.factors)))
                else:
                    formula_digits = (19, 0) if gives_integer(weight.formula) else (12, 6)
                    sizes.append((integer_digits + formula_digits[0], digits + formula_digits[1]))
        try:
            return self._dialect.weight_type(*map(max, zip(*sizes, strict=True)))
        except NotEmittedError as error:
            self._refuse(str(error), f"environment.{self._program.catalog.environment}", WHY)
            return self._dialect.types[BaseType.DECIMAL]

    def _computed(self, part: ComputedOffer) -> str:
        """The highest of an offer's weights that hold; 0 if none holds, or if it is unknown or not above 0."""
        words, kind, address = self._dialect, self._weight_type, part.offer.address
        zero = f"CAST(0 AS {kind})"
        factor = times(Decimal(1), part.factors)
        held = [zero]
        for weight in part.weights:
            if weight.formula is None:
                value = f"CAST('{times(weight.number or Decimal(0), part.factors):f}' AS {kind})"
            else:
                value = self._condition_sql(weight.formula, address)
                if factor != 1:
                    integer = gives_integer(weight.formula)
                    number = f"CAST({value} AS DECIMAL(19, 0))" if integer else words.multiplicand(value)
                    value = f"{number} * {words.factor(factor)}"
                value = f"CAST({value} AS {kind})"
            if weight.requirements:
                tests = [self._condition_sql(requirement.condition, address) for requirement in weight.requirements]
                value = f"CASE WHEN {' AND '.join(tests)} THEN {value} END"
            held.append(f"COALESCE({value}, {zero})")
        return f"GREATEST({', '.join(held)})"

    # Decisions

    def _candidate(self) -> str:
        q, words = self._q, self._dialect
        joins, free = "", ""
        for place, rule in self._rules:
            over = q(f"over{place}")
            shared_column = {"offer": "offer", "category": "category"}.get(rule.of)
            position = [number_ for number_, _ in self._rules].index(place) + 1
            tests = [
                f"{over}.{q('k')} = {q('met')}.{q('k')}",
                f"SUBSTRING({q('met')}.{q('about')}, {position}, 1) = '1'",
            ]
            tests += [f"{over}.{q('name')} = {q('met')}.{q(shared_column)}"] if shared_column else []
            tests += [f"{q('met')}.{q(f'c{place}')}"] if rule.contacts is not None else []
            tests += [self._rule_queries.weighed(rule)] if rule.weighs else []
            joins += f"\n  LEFT JOIN {over} ON {' AND '.join(tests)}"
            free += f" AND {over}.{q('k')} IS NULL"
        if self._histories:
            own = [f"{q('kept')}.{q(name)} = {q('met')}.{q(of)}" for name, of in (("had", "k"), ("item", "item"))]
            joins += f"\n  LEFT JOIN {q('kept')} ON {' AND '.join(own)}"
            free += f" AND COALESCE({q('kept')}.{q('more')}, 0) = {q('met')}.{q('need')}"
        names = ["k", "item", "place", "offer", "category"]
        joined = ", ".join(f"{q('met')}.{q(name)}" for name in (*names, "weight", "mixed"))
        holds = partial(words.element, q("holds"), kind="BOOLEAN")
        about = [
            f"{holds(str(self._place([(rule.contacts.condition, rule.contacts.address)])))} AS {q(f'c{place}')}"
            for place, rule in self._rules
            if rule.contacts is not None
        ]
        weight = q("weight")
        if self._program.space_program.computed:
            worth = words.element(q("worth"), q("formula"), self._weight_type)
            weight = f"CASE WHEN {q('formula')} IS NULL THEN {weight} ELSE {worth} END"
        columns = [
            *map(q, [*names, "about", *(["need"] if self._histories else [])]),
            *about,
            f"{weight} AS {q('weight')}",
            f"MOD({q('tie')} * {q('factor')} + {q('shift')}, 4294967296) AS {q('mixed')}",
        ]
        if any(rule.weighs for _, rule in self._rules):
            columns.append(f"MAX({weight}) OVER (PARTITION BY {q('k')}, {q('offer')}) AS {q('highest')}")
        needed = " AND ".join(holds(q(f"g{number_}")) for number_ in range(self._wide))
        return (
            f"SELECT {joined}\n  FROM (\n    SELECT {', '.join(columns)}\n    FROM {q('held')} CROSS JOIN {q('item')}\n"
            f"    WHERE {needed}\n  ) AS {q('met')}{joins}\n  WHERE {q('met')}.{q('weight')} > 0{free}"
        )

    def _best(self) -> str:
        q = self._q
        return (
            f"SELECT {q('candidate')}.*, ROW_NUMBER() OVER (PARTITION BY {q('k')}, {q('offer')}"
            f" ORDER BY {q('weight')} DESC, {q('item')}) AS {q('nth')} FROM {q('candidate')}"
        )

    def _condition_sql(self, condition: BoundCondition, address: str) -> str:
        if condition not in self._written:
            self._written[condition] = self._write(condition, address)
        return self._written[condition]

    def _write(self, condition: BoundCondition, address: str) -> str:
        checked, facts = condition.expression.checked, self._program.facts
        if checked is None:
            return "FALSE"
        _, *others = condition.expression.namespaces
        rows: dict[str, Row] = dict(zip(others, (facts.data, *condition.bound), strict=True))
        writer = Conditions(self._dialect, lambda _, name, __: self._q("f_" + name), facts.now, facts.today, rows)
        try:
            return writer.sql(checked.root)
        except NotEmittedError as error:
            self._refuse(f"“{error}” in “{' '.join(condition.expression.text.split())[:80]}”", address, WHY)
            return "FALSE"


_ITEM = ("item", "place", "offer", "category", "tie", "weight", "formula")


def _size(number: Decimal) -> tuple[int, int]:
    """The number of digits before and after the point."""
    whole, _, part = f"{abs(number):f}".partition(".")
    return len(whole), len(part)
