"""Conditions and formulas of a catalog as DuckDB SQL over the contacts' columns."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace

from offerkit.contacts.bulk import column, data_column
from offerkit.engine.condition import BoundCondition, CallFacts
from offerkit.engine.contact_history import HistoryCondition
from offerkit.rules.check import conjuncts
from offerkit.rules.duckdb import to_duckdb
from offerkit.rules.duckdb_literals import literal
from offerkit.rules.nodes import CallNode, CaseNode, CheckedExpression, FieldNode, Node
from offerkit.rules.types import BaseType, Row


def bound_condition_sql(condition: BoundCondition, facts: CallFacts, row_data: Collection[str] = ()) -> str:
    """The value of ``condition`` as SQL over the contacts' columns; call data, clock and bound rows are constants.

    ``row_data``: the call data that each contact has for itself, in columns. A condition that cannot be read is unknown
    for every contact, as in the engine.
    """
    if isinstance(condition, HistoryCondition):
        raise ValueError("counted propositions are no columns of the contact")  # see contact_histories.py
    checked = condition.expression.checked
    if checked is None:
        return "NULL"
    contact, *others = condition.expression.namespaces
    rows: dict[str, Row] = dict(zip(others, (facts.data, *condition.bound), strict=True))
    return condition_sql(checked, contact, rows, facts, row_data)


def condition_parts(
    condition: BoundCondition, facts: CallFacts, row_data: Collection[str] = ()
) -> Iterator[tuple[tuple[str, ...], str]]:
    """The parts of the top-level ``and`` as :func:`bound_condition_sql`, each after the columns that it reads."""
    checked = condition.expression.checked
    if checked is None:
        yield (), "NULL"
        return
    for part in conjuncts(checked):
        expression = replace(condition.expression, checked=part)
        columns = [column(name) for name in fields_read(BoundCondition(expression))]
        columns += [data_column(name) for name in expression.data_read if name in row_data]
        yield tuple(columns), bound_condition_sql(BoundCondition(expression, condition.bound), facts, row_data)


def gives_integer(formula: BoundCondition) -> bool:
    """Whether a formula gives an integer (of up to 64 bits) rather than a decimal."""
    checked = formula.expression.checked
    return checked is not None and checked.type.base is BaseType.INTEGER


def condition_sql(
    checked: CheckedExpression,
    table: str,
    rows: Mapping[str, Row],
    facts: CallFacts,
    row_data: Collection[str] = (),
    prefixed: AbstractSet[str] = frozenset(),
) -> str:
    """An expression as SQL: the fields of the namespace ``table`` are columns, those of ``rows`` are constants.

    ``row_data``: the call data that are columns, too. Those of ``prefixed`` namespaces are columns named with their
    namespace.
    """
    bases = {(field.namespace, field.name): field.type.base for field in fields_of(checked.root)}

    def name(namespace: str, field: str) -> str:
        if namespace == table:
            return column(field)
        if namespace in prefixed:
            return column(f"{namespace}.{field}")
        if namespace == "interaction" and field in row_data:
            return data_column(field)
        return literal(rows[namespace].get(field), bases[namespace, field])

    now, today = literal(facts.now, BaseType.TIMESTAMP), literal(facts.today, BaseType.DATE)
    return to_duckdb(checked, name, now, today)


def fields_read(condition: BoundCondition) -> Iterator[str]:
    """The contact's fields that ``condition`` reads."""
    checked = condition.expression.checked
    if checked is not None:
        contact = condition.expression.namespaces[0]
        yield from (name for namespace, name in checked.fields if namespace == contact)


def fields_of(node: Node) -> Iterator[FieldNode]:
    """Every field in the tree ``node``."""
    match node:
        case FieldNode():
            yield node
        case CallNode():
            for arg in node.args:
                yield from fields_of(arg)
        case CaseNode():
            for test, then in node.branches:
                yield from fields_of(test)
                yield from fields_of(then)
            if node.default is not None:
                yield from fields_of(node.default)
        case _:
            return
