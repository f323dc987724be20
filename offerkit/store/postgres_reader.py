"""Questions to PostgreSQL in libpq's pipeline mode: many in one round trip, and nobody waits.

This is libpq's own interface, as psycopg's module ``pq`` passes it on: a question takes a fifth of the time that an
asynchronous cursor needs (docs/adr/0068-histories-by-their-text.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from selectors import EVENT_READ, EVENT_WRITE, DefaultSelector

import psycopg
from psycopg import pq
from psycopg.errors import lookup

from offerkit.store.database import Question
from offerkit.store.postgres_errors import DriverErrors


class PostgresReader:
    """A :class:`~offerkit.store.database.QuestionReader`; each query is prepared when it is first asked.

    Its descriptor is the selector's that watches the socket, not the socket's. libpq closes a socket by itself, whose
    number is then another connection's; and uvloop tells of a reset socket only once, though it may hold answers still.
    """

    def __init__(self, connection: psycopg.Connection, name: str) -> None:
        """Use a connection outside of a transaction, which now belongs to the reader. ``name``: the store's."""
        self._connection = connection
        self._libpq = connection.pgconn
        self._libpq.nonblocking = 1
        self._libpq.enter_pipeline_mode()
        self._prepared: dict[str, bytes] = {}
        self._answers: list[str] | None = None
        self._errors = DriverErrors(connection, name, write=False)
        self._selector = DefaultSelector()
        self._socket = self._libpq.socket
        self._selector.register(self._socket, EVENT_READ)
        self.descriptor = self._selector.fileno()
        self._unsent = False

    def ask(self, questions: Sequence[Question]) -> None:
        """Send them, and that their answers are wanted now."""
        with self._errors:
            for sql, args in questions:
                statement = self._prepared.get(sql)
                if statement is None:
                    statement = self._prepared[sql] = b"question_%d" % len(self._prepared)
                    self._libpq.send_prepare(statement, _numbered(sql))
                self._libpq.send_query_prepared(statement, [arg.encode() for arg in args])
            self._libpq.pipeline_sync()
            self._answers = []
            self._flush()

    def receive(self) -> list[str] | None:
        """The answers, once all have arrived; the end of the connection is found even if nothing was asked."""
        with self._errors:
            self._libpq.consume_input()
            if self._unsent:
                self._flush()
            while self._answers is not None and not self._libpq.is_busy():
                result = self._libpq.get_result()
                if result is None:  # the end of one statement
                    continue
                match result.status:
                    case pq.ExecStatus.TUPLES_OK:
                        cell = result.get_value(0, 0) if result.ntuples else None
                        self._answers.append(cell.decode() if cell else "")
                    case pq.ExecStatus.PIPELINE_SYNC:
                        answers, self._answers = self._answers, None
                        return answers
                    case pq.ExecStatus.COMMAND_OK:  # prepared
                        pass
                    case _:
                        raise _error(result)
        return None

    def close(self) -> None:
        """Close the connection, whatever is under way."""
        self._selector.close()
        self._connection.close()

    def _flush(self) -> None:
        unsent = self._libpq.flush() != 0
        if unsent != self._unsent:
            self._unsent = unsent
            self._selector.modify(self._socket, EVENT_READ | EVENT_WRITE if unsent else EVENT_READ)


def _error(result: pq.abc.PGresult) -> psycopg.Error:
    state = result.error_field(pq.DiagnosticField.SQLSTATE)
    message = pq.error_message(result)
    return lookup(state.decode())(message) if state is not None else psycopg.OperationalError(message)


def _numbered(sql: str) -> bytes:
    """``sql`` with ``$1``, ``$2`` … for every ``?``; questions have none in literals."""
    numbers = count(1)
    return "".join(f"${next(numbers)}" if letter == "?" else letter for letter in sql).encode()
