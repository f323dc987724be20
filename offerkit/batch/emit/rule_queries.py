"""Presentation rules in an emitted query: what counts, for whom it is too much, what they apply to (step 8)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from offerkit.batch.emit.common import NotEmittedError
from offerkit.batch.emit.conditions import Conditions
from offerkit.batch.emit.dialects import Dialect
from offerkit.batch.program import BatchProgram
from offerkit.engine.presentation_rules import category_row, named, offer_row
from offerkit.engine.resources import CompiledOffer, PresentationRule
from offerkit.models.status import Status, status_number
from offerkit.rules.nodes import Node
from offerkit.rules.types import BaseType, Row, Value
from offerkit.rules.values import show
from offerkit.state.former_names import COUNTED_KINDS
from offerkit.times import shift, utc

WHY = "Queries contain only what means the same in every engine."


@dataclass(frozen=True)
class InputTables:
    """The names of the tables: contacts has a column for each field, history the columns of offerkit's store."""

    contacts: str
    history: str = "proposition"

    @property
    def runs(self) -> str:
        """The store's table of deliveries that were made, beside the history; read only where a rule asks for it."""
        return self.history.rpartition(".")[0] + self.history.rpartition(".")[1] + RUNS


RUNS = "delivery_run"


class RuleQueries:
    """The parts of a query about earlier propositions.

    ``refuse`` takes three texts: a thing without an equivalent, its place, and the reason.
    """

    def __init__(
        self, program: BatchProgram, dialect: Dialect, tables: InputTables, refuse: Callable[[str, str, str], None]
    ) -> None:
        self._program, self._dialect, self._tables, self._refuse = program, dialect, tables, refuse
        self._q = dialect.quoted
        self._looked_up: dict[str, dict[str, BaseType]] = {"offer": {}, "category": {}}
        self._reads_runs = False

    def past(self) -> dict[str, str]:
        """The history of the environment, where values that are not numbers become null, and what it is joined with.

        Written last: it has what the other parts read.
        """
        q, words, program = self._q, self._dialect, self._program
        texts = ("contact", "space", "channel", "offer", "category", "time")
        columns = [f"{words.plain_text(q(name))} AS {q(name)}" for name in texts]
        columns += [f"{words.whole_column(q(name))} AS {q(name)}" for name in ("rank", "status")]
        columns.append(f"{words.decimal_text(q('weight'))} AS {q('weight')}")
        if program.catalog.former_names:
            columns.append(f"{words.whole_column(q('revision'))} AS {q('revision')}")
        where = f"{words.plain_text(q('environment'))} = {words.text(program.catalog.environment)}"
        past, runs = f"SELECT {', '.join(columns)} FROM {words.table(self._tables.history)}", {}
        if self._reads_runs:
            made = [f"{words.plain_text(q(name))} AS {q(name)}" for name in ("campaign", "delivery")]
            made.append(f"{words.plain_text(q('id'))} AS {q('run')}")
            runs["made"] = f"SELECT {', '.join(made)} FROM {words.table(self._tables.runs)} WHERE {where}"
            past = (
                f"SELECT {', '.join([*columns, q('campaign'), q('delivery')])} FROM {words.table(self._tables.history)}"
            )
            past += f" LEFT JOIN {q('made')} ON {q('run')} = {words.plain_text(q('interaction'))}"
        return {**runs, "past": self._by_present_names(f"{past} WHERE {where}"), **self._known()}

    def _by_present_names(self, past: str) -> str:
        """``past`` with the names now of what had other names when the propositions were made."""
        q, former = self._q, self._program.catalog.former_names
        if not former:
            return past
        columns = ["contact", "channel", "time", "rank", "status", "weight"]
        columns += ["campaign", "delivery"] if self._reads_runs else []
        present = [f"{self._present(kind.value)} AS {q(kind)}" for kind in COUNTED_KINDS]
        return f"SELECT {', '.join([*map(q, columns), *present])} FROM ({past}) AS {q('named')}"

    def _present(self, column: str) -> str:
        q, words = self._q, self._dialect
        cases = [
            f"WHEN {q(column)} = {words.text(each.name)} AND {q('revision')} >= {each.since}"
            f" AND {q('revision')} < {each.until} THEN {words.text(each.now)}"
            for each in self._program.catalog.former_names
            if each.kind == column
        ]
        return f"CASE {' '.join(cases)} ELSE {q(column)} END" if cases else q(column)

    def _within(self, before: timedelta, after: timedelta, statuses: Iterable[str]) -> list[str]:
        """The tests for propositions of a period around the call, with one of ``statuses``; without any, with all."""
        q, words, now = self._q, self._dialect, self._program.call.now
        tests = [
            f"{q('time')} >= {words.text(utc(shift(now, -before)))}",
            f"{q('time')} <= {words.text(utc(shift(now, after)))}",
        ]
        codes = ", ".join(str(status_number(Status(status))) for status in sorted(statuses))
        return [*tests, f"{q('status')} IN ({codes})"] if codes else tests

    def _known(self) -> dict[str, str]:
        """The catalog's fields of propositions' offers and categories, where a rule reads them."""
        catalog = self._program.catalog
        rows: dict[str, dict[str, Row]] = {
            "offer": {offer.name: offer_row(offer) for offer in catalog.offers} if self._looked_up["offer"] else {},
            "category": {path: {"label": category.label} for path, category in catalog.categories.items()},
        }
        relations = {}
        for namespace, names in self._looked_up.items():
            if names:
                fields = sorted(names)
                values = [
                    [key, *(_cell(row.get(name)) for name in fields)] for key, row in rows[namespace].items()
                ] or [["", *[None] * len(fields)]]
                columns = ["name", *(f"{namespace}_{name}" for name in fields)]
                kinds = [self._dialect.types[base] for base in (BaseType.STRING, *(names[name] for name in fields))]
                try:
                    relations[f"known_{namespace}"] = self._dialect.relation(columns, kinds, values)
                except NotEmittedError as error:
                    self._refuse(str(error), f"environment.{catalog.environment}", WHY)
        return relations

    def over(self, rule: PresentationRule) -> str:
        """Contacts and names whose maximum is reached; times are sortable texts, as in the store."""
        q, words, program = self._q, self._dialect, self._program
        tests = self._within(rule.before, rule.after, rule.statuses)
        if rule.same_channel:
            tests.append(f"{q('channel')} = {words.text(program.catalog.spaces[program.call.space].channel)}")
        joins: set[str] = set()
        if rule.of == "applies-to" and not rule.everything:
            tests.append(self._named(rule, joins))
        if rule.when is not None:
            tests.append(self._counted(rule))
        counted_column = {"offer": q("offer"), "category": q("category")}.get(rule.of)
        names, group = (
            (f"{counted_column} AS {q('name')}", f", {counted_column}")
            if counted_column
            else (f"'' AS {q('name')}", "")
        )
        known = "".join(
            f" LEFT JOIN {q(f'known_{kind}')} ON {q(f'known_{kind}')}.{q('name')} = {q('past')}.{q(kind)}"
            for kind in sorted(joins)
        )
        return (
            f"SELECT {q('contact')} AS {q('k')}, {names} FROM {q('past')}{known} WHERE {' AND '.join(tests)}"
            f" GROUP BY {q('contact')}{group} HAVING COUNT(*) >= {rule.maximum}"
        )

    def _named(self, rule: PresentationRule, joins: set[str]) -> str:
        q, words = self._q, self._dialect
        tests = [f"{q('offer')} = {words.text(name)}" for name in sorted(rule.offers)]
        for path in rule.categories:
            tests.append(f"{q('category')} = {words.text(path)}")
            tests.append(words.starts_with(q("category"), words.text(f"{path}/")))
        if rule.applies_when is not None and rule.applies_when.expression.checked is not None:
            root = rule.applies_when.expression.checked.root
            tests.append(self._node_sql(root, partial(self._offer_then, joins), rule.address))
        return f"({' OR '.join(tests) or 'FALSE'})"

    def _offer_then(self, joins: set[str], namespace: str, name: str, base: BaseType) -> str:
        """``offer.<field>`` and ``category.<field>`` of a proposition, from the store and the catalog."""
        match namespace, name:
            case ("offer", "name"):
                return self._q("offer")
            case ("offer", "category") | ("category", "path"):
                return self._q("category")
            case ("offer", "weight"):
                return self._q("weight")
            case _ if base is BaseType.LIST:
                raise NotEmittedError(f"{namespace}.{name}")
            case _:
                joins.add(namespace)
                self._looked_up[namespace][name] = base
                return self._q(f"{namespace}_{name}")

    def _counted(self, rule: PresentationRule) -> str:
        q, words = self._q, self._dialect

        def column(namespace: str, name: str, base: BaseType) -> str:
            if namespace != "proposition":
                raise NotEmittedError(f"{namespace}.{name}")
            match name:
                case "status":
                    cases = "".join(
                        f" WHEN {status_number(status)} THEN {words.text(status.value)}" for status in Status
                    )
                    return f"CASE {q('status')}{cases} END"
                case "time":
                    raise NotEmittedError("proposition.time")
                case "campaign" | "delivery":
                    self._reads_runs = True
                    return q(name)
                case _:
                    return q(name)

        condition = rule.when.expression if rule.when is not None else None
        if condition is None or condition.checked is None:
            return "FALSE"
        return self._node_sql(condition.checked.root, column, rule.address)

    def weighed(self, rule: PresentationRule) -> str:
        """Whether the rule applies to an item's offer with the weight it has for the contact, ``highest`` of ``met``.

        Everything else that the condition reads is known of each offer, and written as a constant.
        """
        q, words = self._q, self._dialect
        highest, place = f"{q('met')}.{q('highest')}", f"{q('met')}.{q('place')}"
        kind = words.types[BaseType.DECIMAL]
        read = f"CASE WHEN {highest} < 1000000000000 THEN CAST({highest} AS {kind}) END"
        offers: dict[str, list[int]] = {}
        for position in sorted({item.position for item in self._program.items}):
            test = self._weighed_test(rule, self._program.catalog.offers[position], read)
            offers.setdefault(test, []).append(position)
        offers.pop("FALSE", None)
        tests = [f"({place} IN ({', '.join(map(str, places))}) AND ({test}))" for test, places in offers.items()]
        return f"({' OR '.join(tests) or 'FALSE'})"

    def _weighed_test(self, rule: PresentationRule, offer: CompiledOffer, weight: str) -> str:
        catalog = self._program.catalog
        row, category = offer_row(offer), category_row(catalog, offer.category)
        when = rule.applies_when.expression.checked if rule.applies_when is not None else None
        if when is None or named(rule, row, category):
            return "TRUE"
        return self._node_sql(when.root, lambda *_: weight, rule.address, {"offer": row, "category": category})

    def _node_sql(
        self,
        root: Node,
        column: Callable[[str, str, BaseType], str],
        address: str,
        rows: Mapping[str, Row] | None = None,
    ) -> str:
        facts = self._program.facts
        try:
            writer = Conditions(self._dialect, column, facts.now, facts.today, rows, columns={("offer", "weight")})
            return writer.sql(root)
        except NotEmittedError as error:
            self._refuse(f"“{error}”", address, WHY)
            return "FALSE"


def _cell(value: Value) -> str | int | None:
    """A value as a constant of a relation, whose column gives it its type."""
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    return show(value)
