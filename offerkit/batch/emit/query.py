"""One query that decides for all contacts, for an engine that has the contacts and the history as tables.

It gives what ``simulate --out`` writes: space, contact, rank, offer, category. Each contact meets each offer once; a
``CASE`` by the offer's number asks the conditions, so that the query is one pass whatever the engine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from offerkit.batch.emit.conditions import Conditions
from offerkit.batch.emit.dialects import Dialect, NotEmittedError
from offerkit.batch.emit.engines import DIALECTS
from offerkit.batch.program import Program, weights_of
from offerkit.diagnostics import Code, Diagnostic, Refused
from offerkit.engine.catalog import PresentationRule
from offerkit.engine.condition import Gate
from offerkit.engine.lineup import bits_of
from offerkit.engine.presentation import applied
from offerkit.engine.ranking import tie_text
from offerkit.engine.weights import times
from offerkit.models.status import Status, number
from offerkit.rules.nodes import Node
from offerkit.rules.types import Base, Row, Value


@dataclass(frozen=True)
class Tables:
    """The names of the two tables: contacts, a column for each field; history, the columns of offerkit's store."""

    contacts: str
    history: str = "proposition"


def emit(program: Program, dialect: str, tables: Tables) -> str:
    """The query in ``dialect``. Raises Refused with everything that it cannot say with the same meaning."""
    return _Emitter(program, DIALECTS[dialect], tables).query()


class _Emitter:
    def __init__(self, program: Program, dialect: Dialect, tables: Tables) -> None:
        self._program, self._dialect, self._tables = program, dialect, tables
        self._q = dialect.quoted
        self._wrong: list[Diagnostic] = []
        space = program.catalog.spaces[program.call.space]
        self._rules = [
            (place, rule) for place, rule in enumerate(program.catalog.rules) if rule.channel in ("", space.channel)
        ]

    def query(self) -> str:
        program, q = self._program, self._q
        self._refuse_hooks()
        parts = [
            f"{q('contact')} AS (\n  {self._contact()}\n)", f"{q('mixed')} AS (\n  {self._mixed()}\n)",
            f"{q('item')} AS (\n  {self._items()}\n)",
            *(f"{q(f'over{place}')} AS (\n  {self._over(rule)}\n)" for place, rule in self._rules),
            f"{q('candidate')} AS (\n  {self._candidate()}\n)", f"{q('best')} AS (\n  {self._best()}\n)",
        ]  # fmt: skip
        space = self._dialect.text(f"{program.catalog.environment}/{program.call.space}")
        last = (
            f"SELECT {space} AS {q('space')}, {q('k')} AS {q('contact')}, {q('rank')}, {q('offer')}, {q('category')}\n"
            f"FROM (\n  SELECT {q('k')}, {q('offer')}, {q('category')}, ROW_NUMBER() OVER (PARTITION BY {q('k')}"
            f" ORDER BY {q('weight')} DESC, {q('mixed')}, {q('place')}) AS {q('rank')}\n"
            f"  FROM {q('best')} WHERE {q('nth')} = 1\n) AS {q('ranked')}\nWHERE {q('rank')} <= {program.call.n}"
        )
        if self._wrong:
            raise Refused(self._wrong)
        return "WITH " + ",\n".join(parts) + "\n" + last + "\n"

    def _refuse_hooks(self) -> None:
        catalog = self._program.catalog
        space = catalog.spaces[self._program.call.space]
        hooks = [space.target_loading, space.post_processing]
        hooks += [weight.dynamic for weight in weights_of(self._program.line)]
        for name in sorted({name for name in hooks if name}):
            self._refuse(f"the hook “{name}”", f"{catalog.environment}/space.{space.name}", "It is Python.")

    def _refuse(self, what: str, address: str, why: str) -> None:
        self._wrong.append(
            Diagnostic(
                Code.NOT_EMITTED, f"{what} cannot be said in a query for {self._dialect.name}", why,
                "Decide here (offerkit simulate --out), ask for other spaces, or say it otherwise.", address,
            )
        )  # fmt: skip

    def _contact(self) -> str:
        q, catalog = self._q, self._program.catalog
        text = self._dialect.types[Base.STRING]
        slash, bar = self._dialect.text("\\"), self._dialect.text("|")
        parts = [
            f"REPLACE(REPLACE(CAST({q(name)} AS {text}), {slash}, {self._dialect.text(chr(92) * 2)}), {bar},"
            f" {self._dialect.text(chr(92) + '|')})"
            for name in catalog.dimension.key
        ]
        fields = "".join(f", {q(name)} AS {q('f_' + name)}" for name in catalog.dimension.fields)
        return f"SELECT {f' || {bar} || '.join(parts)} AS {q('k')}{fields} FROM {q(self._tables.contacts)}"

    def _mixed(self) -> str:
        q, program, words = self._q, self._program, self._dialect
        before = words.text(tie_text(program.call.seed, program.facts.today))
        digest = words.md5(f"{before} || {q('k')}")
        high = words.from_hex(f"SUBSTRING({digest}, 9, 8)")
        flags = "".join(
            f", COALESCE({self._gate(rule.contacts.gate, rule.contacts.address)}, FALSE) AS {q(f'c{place}')}"
            for place, rule in self._rules
            if rule.contacts is not None
        )
        when = program.catalog.when
        where = f" WHERE {self._gate(when.gate, when.address)}" if when is not None else ""
        return (
            f"SELECT {q('contact')}.*, {words.from_hex(f'SUBSTRING({digest}, 1, 8)')} AS {q('shift')},"
            f" {high} - MOD({high}, 2) + 1 AS {q('factor')}{flags} FROM {q('contact')}{where}"
        )

    def _items(self) -> str:
        q, program, words = self._q, self._program, self._dialect
        abouts = [self._about(place, rule) for place, rule in self._rules]
        size = len(program.items)
        rows = []
        for number_, item in enumerate(program.items):
            offer = program.catalog.offers[item.place]
            flags = ["TRUE" if about >> (size - 1 - number_) & 1 else "FALSE" for about in abouts]
            values = [str(number_), str(item.place), words.text(offer.name), words.text(offer.category), str(offer.tie)]
            rows.append((*values, *flags))
        names = ["item", "place", "offer", "category", "tie", *(f"a{place}" for place, _ in self._rules)]
        return "\n  UNION ALL ".join(
            "SELECT " + ", ".join(f"{value} AS {q(name)}" for value, name in zip(row, names, strict=True))
            for row in rows or [("0", "0", "''", "''", "0", *("FALSE" for _ in self._rules))]
        )

    def _about(self, place: int, rule: PresentationRule) -> int:
        known = self._program.line.about[place]
        if known is not None:
            return known
        return bits_of(applied(self._program.catalog, rule, self._program.facts), self._program.line.of_offer)

    def _over(self, rule: PresentationRule) -> str:
        """Contacts and names for which the maximum is reached; times are texts that sort, as the store keeps them."""
        q, words, program = self._q, self._dialect, self._program
        now = program.call.now
        tests = [
            f"{q('environment')} = {words.text(program.catalog.environment)}",
            f"{q('time')} >= {words.text(_utc(now, -rule.before))}",
            f"{q('time')} <= {words.text(_utc(now, rule.after))}",
        ]  # fmt: skip
        if rule.statuses:
            codes = ", ".join(str(number(Status(status))) for status in sorted(rule.statuses))
            tests.append(f"{q('status')} IN ({codes})")
        if rule.same_channel:
            tests.append(f"{q('channel')} = {words.text(program.catalog.spaces[program.call.space].channel)}")
        if rule.of == "applies-to" and not rule.everything:
            tests.append(self._named(rule))
        if rule.when is not None:
            tests.append(self._counted(rule))
        by = {"offer": q("offer"), "category": q("category")}.get(rule.of)
        names, group = (f"{by} AS {q('name')}", f", {by}") if by else (f"'' AS {q('name')}", "")
        return (
            f"SELECT {q('contact')} AS {q('k')}, {names} FROM {q(self._tables.history)} WHERE {' AND '.join(tests)}"
            f" GROUP BY {q('contact')}{group} HAVING COUNT(*) >= {rule.maximum}"
        )

    def _named(self, rule: PresentationRule) -> str:
        q, words = self._q, self._dialect
        tests = [f"{q('offer')} = {words.text(name)}" for name in sorted(rule.offers)]
        for path in rule.categories:
            tests.append(f"{q('category')} = {words.text(path)}")
            tests.append(words.starts_with(q("category"), words.text(f"{path}/")))
        if rule.applies_when is not None and rule.applies_when.condition.checked is not None:
            root = rule.applies_when.condition.checked.root
            tests.append(self._said(root, self._offer_then, rule.address))
        return f"({' OR '.join(tests) or 'FALSE'})"

    def _offer_then(self, namespace: str, name: str, base: Base) -> str:
        """``offer.<field>`` and ``category.<field>`` of a proposition: what was stored, and what the catalog knows."""
        q, catalog = self._q, self._program.catalog
        match namespace, name:
            case ("offer", "name"):
                return q("offer")
            case ("offer", "category") | ("category", "path"):
                return q("category")
            case ("category", _):
                known = {path: category.label for path, category in catalog.categories.items()}
                return self._looked_up("category", known)
            case _:
                return self._looked_up("offer", {offer.name: offer.row[name] for offer in catalog.offers})

    def _looked_up(self, column: str, known: Mapping[str, Value]) -> str:
        words = self._dialect
        cases = "".join(
            f" WHEN {words.text(key)} THEN {words.text(value)}"
            for key, value in known.items()
            if isinstance(value, str)
        )
        return f"(CASE {self._q(column)}{cases} END)" if cases else f"CAST(NULL AS {words.types[Base.STRING]})"

    def _counted(self, rule: PresentationRule) -> str:
        q, words = self._q, self._dialect

        def column(_: str, name: str, base: Base) -> str:
            match name:
                case "weight":
                    return f"CAST({q('weight')} AS {words.types[Base.DECIMAL]})"
                case "status":
                    cases = "".join(f" WHEN {number(status)} THEN {words.text(status.value)}" for status in Status)
                    return f"(CASE {q('status')}{cases} END)"
                case "time":
                    raise NotEmittedError("proposition.time")
                case _:
                    return q(name)

        condition = rule.when.condition if rule.when is not None else None
        if condition is None or condition.checked is None:
            return "FALSE"
        return self._said(condition.checked.root, column, rule.address)

    def _said(self, root: Node, column: Callable[[str, str, Base], str], address: str) -> str:
        facts = self._program.facts
        try:
            return Conditions(self._dialect, column, facts.now, facts.today).sql(root)
        except NotEmittedError as error:
            self._refuse(f"“{error}”", address, _WHY)
            return "FALSE"

    def _candidate(self) -> str:
        q, program = self._q, self._program
        conditions = "".join(f"\n    WHEN {place} THEN {self._holds(place)}" for place in range(len(program.items)))
        weights = "".join(f" WHEN {place} THEN {self._weight(place)}" for place in range(len(program.items)))
        columns = ", ".join(q(name) for name in ("k", "item", "place", "offer", "category"))
        joins, free = "", ""
        for place, rule in self._rules:
            over = q(f"over{place}")
            same = {"offer": "offer", "category": "category"}.get(rule.of)
            tests = [f"{over}.{q('k')} = {q('met')}.{q('k')}", f"{q('met')}.{q(f'a{place}')}"]
            tests += [f"{over}.{q('name')} = {q('met')}.{q(same)}"] if same else []
            tests += [f"{q('met')}.{q(f'c{place}')}"] if rule.contacts is not None else []
            joins += f"\n  LEFT JOIN {over} ON {' AND '.join(tests)}"
            free += f" AND {over}.{q('k')} IS NULL"
        met = ", ".join(f"{q('met')}.{q(name)}" for name in ("k", "item", "place", "offer", "category"))
        flags = "".join(f", {q(f'a{place}')}" for place, _ in self._rules)
        flags += "".join(f", {q(f'c{place}')}" for place, rule in self._rules if rule.contacts is not None)
        decimal = self._dialect.types[Base.DECIMAL]
        zero = f"CAST(0 AS {decimal})"
        return (
            f"SELECT {met}, {q('met')}.{q('weight')}, {q('met')}.{q('mixed')}\n  FROM (\n"
            f"    SELECT {columns}{flags},\n"
            f"    MOD({q('tie')} * {q('factor')} + {q('shift')}, 4294967296) AS {q('mixed')},\n"
            f"    (CASE {q('item')}{weights or f' WHEN 0 THEN {zero}'} END) AS {q('weight')}\n"
            f"    FROM {q('mixed')} CROSS JOIN {q('item')}\n"
            f"    WHERE (CASE {q('item')}{conditions or ' WHEN 0 THEN FALSE'}\n    ELSE FALSE END)\n"
            f"  ) AS {q('met')}{joins}\n  WHERE {q('met')}.{q('weight')} > 0{free}"
        )

    def _best(self) -> str:
        q = self._q
        return (
            f"SELECT {q('candidate')}.*, ROW_NUMBER() OVER (PARTITION BY {q('k')}, {q('offer')}"
            f" ORDER BY {q('weight')} DESC, {q('item')}) AS {q('nth')} FROM {q('candidate')}"
        )

    def _holds(self, place: int) -> str:
        program = self._program
        item = program.items[place]
        address = program.catalog.offers[item.place].address
        return " AND ".join(self._gate(program.gates[gate], address) for gate in item.gates) or "TRUE"

    def _weight(self, place: int) -> str:
        """The weight of an item; a formula that is unknown or not above 0 does not hold."""
        program, decimal = self._program, self._dialect.types[Base.DECIMAL]
        item = program.items[place]
        if item.weight is not None:
            return f"CAST({self._dialect.text(format(item.weight, 'f'))} AS {decimal})"
        part = program.line.computed[place - len(program.line.entries)]
        factor, zero = times(Decimal(1), part.factors), f"CAST(0 AS {decimal})"
        held = [zero]
        for weight in part.weights:
            if weight.formula is None:
                value = f"CAST({self._dialect.text(format(weight.number or Decimal(0), 'f'))} AS {decimal})"
            else:
                value = f"CAST({self._gate(weight.formula, part.offer.address)} AS {decimal})"
            if weight.when is not None:
                value = f"CASE WHEN {self._gate(weight.when.gate, part.offer.address)} THEN {value} END"
            held.append(f"COALESCE({value}, {zero})")
        best = f"GREATEST({', '.join(held)})"
        return best if factor == 1 else f"{best} * {format(factor, 'f')}"

    def _gate(self, gate: Gate, address: str) -> str:
        checked, facts = gate.condition.checked, self._program.facts
        if checked is None:
            return "FALSE"
        contact, *others = gate.condition.namespaces
        rows: dict[str, Row] = dict(zip(others, (facts.data, *gate.bound), strict=True))

        def column(namespace: str, name: str, base: Base) -> str:
            if namespace == contact:
                return self._q("f_" + name)
            return writer.constant(rows[namespace].get(name), base)

        writer = Conditions(self._dialect, column, facts.now, facts.today)
        try:
            return writer.sql(checked.root)
        except NotEmittedError as error:
            self._refuse(f"“{error}” in “{' '.join(gate.condition.text.split())[:80]}”", address, _WHY)
            return "FALSE"


_WHY = "Only what means the same in every engine is emitted."


def _utc(moment: datetime, span: timedelta) -> str:
    return (moment.astimezone(UTC) + span).isoformat(timespec="microseconds").replace("+00:00", "Z")
