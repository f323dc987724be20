"""Contacts' own histories for a batch (``eligible.history``): how many propositions each contact has had, in DuckDB.

The store only returns propositions that can count; a catalog that counts none reads none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field

from offerkit.batch.contact_table import ContactTable
from offerkit.batch.counted_rows import counted_rows
from offerkit.batch.exclusions import AT_ONCE, NAMED
from offerkit.batch.program import BatchProgram
from offerkit.engine.contact_history import CountedPropositions, HistoryCondition, counted_by
from offerkit.models.status import Status
from offerkit.store import CountedPropositionsReader, CountFilter
from offerkit.times import shift, utc


@dataclass(frozen=True)
class HistoryCounts:
    """The table of counts, by the number of a contact (column ``n``; one without a row has none).

    ``columns``: by what is counted. Without a table, nothing counts.
    """

    table: str = ""
    columns: Mapping[CountedPropositions, str] = field(default_factory=dict)

    def sql(self, condition: HistoryCondition) -> str:
        """Whether the condition holds, over :meth:`source`."""
        column = self.columns.get(condition.counted)
        number = "0" if column is None else f"coalesce({column}, 0)"
        most = "" if condition.most is None else f" AND {number} <= {condition.most:d}"
        return f"({number} >= {condition.least:d}{most})"

    @property
    def source(self) -> str:
        """The contacts, with their counts."""
        return f"contact LEFT JOIN {self.table} USING (n)" if self.table else "contact"


NO_COUNTS = HistoryCounts()


def count_histories(people: ContactTable, program: BatchProgram, history: CountedPropositionsReader) -> HistoryCounts:
    """What the conditions of ``program`` count, for all contacts."""
    counted = list(counted_by(program.conditions))
    if not counted:
        return NO_COUNTS
    db = people.connection
    columns = {each: f"h{number}" for number, each in enumerate(counted)}
    db.execute("CREATE OR REPLACE TEMP TABLE had (k VARCHAR, code INTEGER, number BIGINT)")
    for first in range(0, len(counted), AT_ONCE):
        _read(people, program, history, counted[first : first + AT_ONCE], first)
    table = people.fresh("history")
    sums = ", ".join(
        f"coalesce(sum(number) FILTER (code = {code}), 0)::BIGINT AS h{code}" for code in range(len(counted))
    )
    db.execute(f"CREATE TEMP TABLE {table} AS SELECT n, {sums} FROM had JOIN contact USING (k) GROUP BY n")  # noqa: S608
    db.execute("DROP TABLE had")
    return HistoryCounts(table, columns)


def _read(
    people: ContactTable,
    program: BatchProgram,
    history: CountedPropositionsReader,
    counted: Sequence[CountedPropositions],
    first: int,
) -> None:
    """Add the numbers of ``counted``, whose codes begin at ``first``, to the table ``had``."""
    import numpy

    now, db = program.call.now, people.connection
    filters = [
        CountFilter(
            utc(shift(now, -each.period)),
            utc(now),
            tuple(Status(status) for status in sorted(each.statuses)),
            "",
            tuple(sorted(each.offers)) if len(each.offers) <= NAMED else (),
            (each.category,) if each.category else (),
        )
        for each in counted
    ]
    db.execute("CREATE OR REPLACE TEMP TABLE counts_of (code INTEGER, offer VARCHAR)")  # without an offer: all of them
    for code, each in enumerate(counted):
        if each.category:
            db.execute("INSERT INTO counts_of VALUES (?, NULL)", [code])
        elif each.offers:
            db.register("named", {"offer": numpy.array(sorted(each.offers), dtype=object)})
            db.execute("INSERT INTO counts_of SELECT ?, CAST(offer AS VARCHAR) FROM named", [code])
            db.unregister("named")
    streams = history.streams(program.catalog.environment, filters, ["offer"])
    with closing(counted_rows(people, streams, ["offer"])) as read:
        for source in read:
            db.execute(
                f"INSERT INTO had SELECT k, code + ?, count(*) FROM ({source})"  # noqa: S608 - constants
                " JOIN counts_of ON (counts >> code) & 1 = 1 AND (offer IS NULL OR offer = f_offer)"
                " GROUP BY ALL",
                [first],
            )
    db.execute("DROP TABLE counts_of")
