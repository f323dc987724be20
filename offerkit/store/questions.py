"""What every call asks of a store: each question is one query, whose answer is one text.

A store that is elsewhere answers the questions of many calls in one round trip, without a row to unpack. A history that
did not change is recognised by its text, which takes less time than to read it again.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from offerkit.engine.history import PastProposition
from offerkit.state.former_names import FormerNames
from offerkit.store.database import Database, Question
from offerkit.store.present_names import present_column
from offerkit.store.proposition_rows import LONGEST_KEY, keepable, stored_past, with_stored_data

_SEPARATOR = "\x1f"
"""Between the columns of a proposition: names, times and JSON do not have it."""
_COLUMNS = ("offer", "category", "space", "channel", "status", "time", "weight", "rank")
_MORE = ("coalesce(campaign, '')", "coalesce(delivery, '')", "data", "product")
_WHERE = " WHERE environment = ? AND contact = ? AND time >= ? ORDER BY time, id"
_MADE = (
    " LEFT JOIN (SELECT id AS run, campaign, delivery FROM delivery_run WHERE environment = ?) AS made"
    " ON run = interaction"
)


@lru_cache
def _past_sql(joined: str, former: FormerNames, *, data: bool) -> str:
    names = [present_column(column, former) for column in _COLUMNS]
    line = f" || '{_SEPARATOR}' || ".join((*names, *_MORE) if data else names)
    rows = f"SELECT {line} AS line FROM proposition{_MADE if data else ''}{_WHERE}"  # noqa: S608 - constants
    return f"SELECT {joined} FROM ({rows}) AS past"  # noqa: S608 - constants


def past_question(
    db: Database, environment: str, contact: str, since: str, former: FormerNames = (), *, data: bool
) -> Question:
    """One contact's propositions from ``since`` on, by time and id, a line for each: :func:`pasts_in` reads them.

    With ``data``: with the delivery that made each, and what was stored with it. ``former``: the names that are called
    otherwise now.
    """
    args = environment, contact, since
    return Question(_past_sql(db.join("line", "'\n'"), former, data=data), (environment, *args) if data else args)


def pasts_in(lines: str) -> list[PastProposition]:
    """The propositions in an answer. Raises LookupError, ValueError or ArithmeticError if they were edited."""
    return [_past(line.split(_SEPARATOR)) for line in lines.split("\n")] if lines else []


def _past(columns: Sequence[str]) -> PastProposition:
    offer, category, space, channel, status, at, weight, rank, *more = columns
    past = stored_past((offer, category, space, channel, int(status), at, weight, int(rank)))
    if not more:
        return past
    campaign, delivery, data, product = more
    return with_stored_data(past, campaign or None, delivery or None, data, product)


def contact_question(environment: str, cookie: str) -> Question:
    """The key of the contact that last identified with ``cookie``."""
    return Question("SELECT contact FROM cookie WHERE environment = ? AND cookie = ?", (environment, cookie))


def is_vain(question: Question) -> bool:
    """Whether it is about a key that no store holds, since none can: it need not be asked, its answer is empty."""
    return max(map(len, question.args)) > LONGEST_KEY or not keepable(question.args)


def answer(db: Database, question: Question) -> str:
    """The answer to ``question`` now."""
    if is_vain(question):
        return ""
    rows: list[tuple[str | None]] = db.rows(question.sql, question.args)
    return rows[0][0] or "" if rows else ""
