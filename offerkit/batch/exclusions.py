"""Presentation rules for many contacts (domain.md §3 step 8), counted in DuckDB.

The store only returns propositions that a rule can count, read once for all rules. The results are tables that spill
to disk, with a row for each contact and offer (or category) whose maximum is reached.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from offerkit.batch.condition_sql import condition_sql
from offerkit.batch.contact_table import ContactTable
from offerkit.batch.counted_rows import counted_rows
from offerkit.batch.program import BatchProgram
from offerkit.batch.stored_values import COLUMN_OF, add_stored_values
from offerkit.contacts.bulk import column
from offerkit.engine.catalog import Catalog
from offerkit.engine.presentation_rules import about_pair, applicable_offers
from offerkit.engine.resources import PresentationRule
from offerkit.engine.space_program import bits_of
from offerkit.models.status import Status
from offerkit.rules.duckdb_literals import TYPES, literal
from offerkit.rules.types import BaseType
from offerkit.store import CountedPropositionsReader, CountFilter
from offerkit.times import instant, shift, utc, wall_clock

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

_FIELDS = {
    "offer": BaseType.STRING,
    "category": BaseType.STRING,
    "space": BaseType.STRING,
    "channel": BaseType.STRING,
    "status": BaseType.STRING,
    "weight": BaseType.DECIMAL,
    "rank": BaseType.INTEGER,
    "time": BaseType.TIMESTAMP,
    "campaign": BaseType.STRING,
    "delivery": BaseType.STRING,
}
"""``proposition.<field>`` as columns; a weight that does not fit into its column is unknown."""
AT_ONCE = 50
"""The most counts of one pass over the propositions: each is a bit of a number."""
NAMED = 200
"""The most offers that the store is asked for by name; a theme can have thousands. With more, DuckDB compares."""


@dataclass(frozen=True)
class Exclusions:
    """The contacts for whom a rule's maximum is reached, and the items that are excluded for them.

    ``contacts``: the index of the rule's condition on contacts, if it has one. ``items``: by the code in the table,
    which has a row (n, code) for each contact and code.
    """

    rule: PresentationRule
    contacts: int | None
    table: str
    items: Sequence[tuple[int, ...]]

    def excluded(
        self, people: ContactTable, first: int, last: int
    ) -> Iterator[tuple[NDArray[numpy.intp], tuple[int, ...]]]:
        """For the contacts from ``first`` to before ``last``: indexes (from 0), and the items excluded for them."""
        for code, (contacts,) in people.by_code(self.table, (), first, last):
            yield contacts, self.items[code]


def find_exclusions(
    people: ContactTable, program: BatchProgram, history: CountedPropositionsReader
) -> list[Exclusions]:
    """What the presentation rules exclude, for which contacts."""
    space = program.catalog.spaces[program.call.space]
    rules = [
        (position, rule) for position, rule in enumerate(program.catalog.rules) if rule.channel in ("", space.channel)
    ]
    about = {position: _about(program, position, rule) for position, rule in rules}
    rules = [(position, rule) for position, rule in rules if about[position] and _readable(rule)]
    if not rules:
        return []
    _read(people, program, history, [rule for _, rule in rules])
    try:
        exclusions = [
            _counted(people, program, number, position, about[position]) for number, (position, _) in enumerate(rules)
        ]
    finally:
        people.connection.execute("DROP TABLE past")
    return [part for part in exclusions if part is not None]


def _about(program: BatchProgram, position: int, rule: PresentationRule) -> int:
    """The bits of the items that the rule applies to."""
    bits = program.space_program.about[position]
    if bits is not None:
        return bits
    return bits_of(applicable_offers(program.catalog, rule, program.facts), program.space_program.of_offer)


def _readable(rule: PresentationRule) -> bool:
    """A rule with an unreadable condition on propositions counts nothing, as in the engine."""
    return rule.when is None or rule.when.expression.checked is not None


def _read(
    people: ContactTable, program: BatchProgram, history: CountedPropositionsReader, rules: Sequence[PresentationRule]
) -> None:
    """Create the table ``past``: key, the fields that rules read, and for each rule whether it can count the row.

    With more than :data:`AT_ONCE` rules, a proposition can have several rows; each rule counts it in one of them.
    """

    catalog, now = program.catalog, program.call.now
    channel = catalog.spaces[program.call.space].channel
    filters = [
        CountFilter(
            utc(shift(now, -rule.before)),
            utc(shift(now, rule.after)),
            tuple(Status(status) for status in sorted(rule.statuses)),
            channel if rule.same_channel else "",
            *_named_offers_and_categories(rule),
        )
        for rule in rules
    ]
    fields = sorted({"offer", "category", *(name for rule in rules for name in _fields_read(rule))})
    flags = [f"FALSE AS r{number}" for number in range(len(rules))]
    values = [f"{_typed(name)} AS {column(name)}" for name in fields]
    texts = ", ".join(f"'' AS {column(name)}" for name in fields)
    people.connection.execute(
        f"CREATE TEMP TABLE past AS SELECT k, {', '.join([*flags, *values])} FROM (SELECT '' AS k, {texts}) LIMIT 0"  # noqa: S608
    )
    for first in range(0, len(rules), AT_ONCE):
        group = filters[first : first + AT_ONCE]
        own = [f"(counts & {1 << bit}) <> 0 AS r{first + bit}" for bit in range(len(group))]
        parts = ", ".join([*flags[:first], *own, *flags[first + len(group) :], *values])
        streams = history.streams(catalog.environment, group, fields, catalog.former_names)
        with closing(counted_rows(people, streams, fields)) as read:
            for source in read:
                people.connection.execute(f"INSERT INTO past SELECT k, {parts} FROM ({source})")  # noqa: S608
    if "time" in fields:
        _local_times(people, catalog)
    try:
        add_stored_values(people, catalog, rules)
    except ValueError as error:
        raise history.edited() from error


def _local_times(people: ContactTable, catalog: Catalog) -> None:
    """Convert the times in ``past`` to the wall clock of the environment's zone; Python converts each distinct one."""
    import numpy

    raw = [time for (time,) in people.connection.execute("SELECT DISTINCT f_time FROM past").fetchall()]
    local = [str(wall_clock(instant(time), catalog.zone)) for time in raw]
    times = {"f_time": numpy.array(raw, dtype=object), "local": numpy.array(local, dtype=object)}
    people.connection.register("times", times)
    people.connection.execute(
        "CREATE OR REPLACE TEMP TABLE past AS SELECT past.* REPLACE (CAST(local AS TIMESTAMP) AS f_time)"
        " FROM past JOIN (SELECT CAST(f_time AS VARCHAR) AS f_time, CAST(local AS VARCHAR) AS local FROM times)"
        " USING (f_time)"
    )
    people.connection.unregister("times")


def _typed(name: str) -> str:
    """The SQL of a field's value, from its text."""
    text = column(name)
    match name:
        case "status":
            names = ", ".join(literal(status.value, BaseType.STRING) for status in Status)
            return f"list_extract([{names}], CAST({text} AS INTEGER) + 1)"
        case "weight" | "rank":
            return f"TRY_CAST({text} AS {TYPES[_FIELDS[name]]})"
        case "campaign" | "delivery":
            return f"nullif({text}, '')"
        case _:
            return text


def _named_offers_and_categories(rule: PresentationRule) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The offers and categories that a rule names, if it counts nothing else."""
    if rule.of != "applies-to" or rule.everything or rule.applies_when is not None:
        return (), ()
    return (tuple(sorted(rule.offers)), rule.categories) if len(rule.offers) <= NAMED else ((), ())


def _fields_read(rule: PresentationRule) -> Iterator[str]:
    if rule.weighs and rule.of == "applies-to":
        yield "weight"
    checked = rule.when.expression.checked if rule.when is not None else None
    if checked is not None:
        yield from (COLUMN_OF.get(namespace, name) for namespace, name in checked.fields)


def _counted(people: ContactTable, program: BatchProgram, number: int, position: int, about: int) -> Exclusions | None:
    """The exclusions of one rule; None if its maximum is reached for no contact, or only for other offers."""
    rule = program.catalog.rules[position]
    tests = [f"r{number}"]
    if rule.of == "applies-to":
        tests.append(_applies(people, program, number, position))
    if rule.when is not None and rule.when.expression.checked is not None:
        tests.append(
            condition_sql(rule.when.expression.checked, "proposition", {}, program.facts, prefixed=set(COLUMN_OF))
        )
    counted_column = {"offer": '"f_offer"', "category": '"f_category"'}.get(rule.of)
    table, names = people.fresh("over"), [("",)]
    where = " AND ".join(f"({test})" for test in tests)
    people.connection.execute(
        f"CREATE OR REPLACE TEMP TABLE counted AS SELECT k, {counted_column or chr(39) * 2} AS name FROM past"  # noqa: S608 - escaped
        f" WHERE {where} GROUP BY ALL HAVING count(*) >= {rule.maximum:d}"
    )
    if counted_column is not None:
        names = people.connection.execute("SELECT DISTINCT name FROM counted ORDER BY name").fetchall()
    items = [_items(about & _bits(program, rule, name), len(program.items)) for (name,) in names]
    codes = {name: code for code, (name,) in enumerate(names) if items[code]}
    if not codes:
        return None
    import numpy

    people.connection.register(
        "coded", {"name": numpy.array(list(codes), dtype=object), "code": numpy.array(list(codes.values()))}
    )
    people.connection.execute(
        f"CREATE TEMP TABLE {table} AS SELECT n, code FROM counted JOIN contact USING (k)"  # noqa: S608
        " JOIN (SELECT CAST(name AS VARCHAR) AS name, CAST(code AS INTEGER) AS code FROM coded) USING (name) ORDER BY n"
    )
    people.connection.unregister("coded")
    contacts = None if rule.contacts is None else program.number(rule.contacts.condition)
    return Exclusions(rule, contacts, table, items)


def _applies(people: ContactTable, program: BatchProgram, number: int, position: int) -> str:
    """A test in SQL: the rule applies to the offer in the category, and with the weight, that it was proposed with."""
    columns = {"offer": "VARCHAR", "category": "VARCHAR"}
    if program.catalog.rules[position].weighs:
        columns["weight"] = TYPES[BaseType.DECIMAL]
    fields = ", ".join(map(column, columns))
    proposed = people.connection.execute(f"SELECT DISTINCT {fields} FROM past WHERE r{number}").fetchall()  # noqa: S608
    applicable = [
        row for row in proposed if about_pair(program.catalog, position, row[0], row[1], program.facts, *row[2:])
    ]
    declared = ", ".join(f"{name} {type_}" for name, type_ in columns.items())
    people.connection.execute(f"CREATE OR REPLACE TEMP TABLE applies{number} ({declared})")
    if applicable:
        marks = ", ".join("?" * len(columns))
        people.connection.executemany(f"INSERT INTO applies{number} VALUES ({marks})", applicable)  # noqa: S608
    if "weight" not in columns:
        return f"({fields}) IN (SELECT (offer, category) FROM applies{number})"  # noqa: S608
    return (
        f"EXISTS (SELECT 1 FROM applies{number} AS a WHERE a.offer = f_offer AND a.category = f_category"  # noqa: S608
        " AND a.weight IS NOT DISTINCT FROM f_weight)"
    )


def _bits(program: BatchProgram, rule: PresentationRule, name: str) -> int:
    match rule.of:
        case "offer":
            position = program.catalog.position_of.get(name)
            return 0 if position is None else bits_of({position}, program.space_program.of_offer)
        case "category":
            return program.space_program.of_category.get(name, 0)
        case _:
            return -1


def _items(bits: int, size: int) -> tuple[int, ...]:
    """The items of bits; the highest bit is item 0."""
    items = []
    while bits:
        lowest_bit = bits & -bits
        items.append(size - lowest_bit.bit_length())
        bits ^= lowest_bit
    return tuple(items)
