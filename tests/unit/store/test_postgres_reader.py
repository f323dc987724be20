"""Questions in one round trip are answered as one by one, and whatever ends the connection is told."""

from __future__ import annotations

import select
import threading
from collections.abc import Iterator, Sequence
from random import Random

import psycopg
import pytest
from helpers import tampering
from helpers.postgres import new_schema
from proposition_samples import made

from offerkit.diagnostics import Code, Refused
from offerkit.store import Store, parse_location
from offerkit.store.database import Question
from offerkit.store.location import PostgresAddress
from offerkit.store.postgres_reader import PostgresReader
from offerkit.store.questions import contact_question, pasts_in

TIME = "2026-11-01T12:00:00.000000Z"


@pytest.fixture
def location() -> PostgresAddress:
    found = parse_location(new_schema())
    assert isinstance(found, PostgresAddress)
    return found


@pytest.fixture
def store(location: PostgresAddress) -> Iterator[Store]:
    with Store.open(location, create=True) as opened:
        yield opened


@pytest.fixture
def reader(store: Store) -> Iterator[PostgresReader]:
    found = store.reader()
    assert isinstance(found, PostgresReader)
    yield found
    found.close()


def received(reader: PostgresReader) -> list[str]:
    for _ in range(1_000):
        select.select([reader.socket], [], [], 60)
        answers = reader.receive()
        if answers is not None:
            return answers
    raise AssertionError("no answer came")


def answers(reader: PostgresReader, questions: Sequence[Question]) -> list[str]:
    if reader.ask(questions):
        return received(reader)
    while not reader.flush():
        select.select([reader.socket], [reader.socket], [], 60)
        assert reader.receive() is None
    return received(reader)


def refused(reader: PostgresReader, *questions: Question) -> Code:
    with pytest.raises(Refused) as caught:
        answers(reader, questions)
    return caught.value.diagnostics[0].code


def past(store: Store, contact: str, *, data: bool = False) -> Question:
    return store.past_question("recipients", contact, "", data=data)


def ended(reader: PostgresReader, location: PostgresAddress) -> None:
    """End the connection from the server's side."""
    (pid,) = answers(reader, [Question("SELECT pg_backend_pid()::text", ())])
    with psycopg.connect(location.conninfo, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 60000)", (int(pid),))


def test_many_are_answered_as_one_by_one(store: Store, reader: PostgresReader) -> None:
    rng = Random(1)
    contacts = ["42|fr", "ü”\\'\"", "?$1%s", "nobody"]
    for number in range(60):
        store.add_propositions([made(number, id=f"p{number}", contact=rng.choice(contacts[:3]))])
    with store.recording():
        store.remember("recipients", "c?", contacts[1], TIME)
    for size in (1, 3, 200):
        questions = [past(store, rng.choice(contacts), data=rng.random() < 0.5) for _ in range(size)]
        questions.append(contact_question("recipients", rng.choice(("c?", "d"))))
        assert answers(reader, questions) == [store.answer(question) for question in questions]
    for contact in contacts:
        (text,) = answers(reader, [past(store, contact)])
        assert pasts_in(text) == store.past("recipients", contact, "")


def test_what_was_committed_before_it_was_asked_is_in_the_answer(store: Store, reader: PostgresReader) -> None:
    for number in range(20):
        store.add_propositions([made(number, id=f"p{number}", contact="1")])
        (text,) = answers(reader, [past(store, "1")])
        assert len(pasts_in(text)) == number + 1


def test_questions_that_are_larger_than_a_socket_takes(store: Store, reader: PostgresReader) -> None:
    busy, key = Question("SELECT left(pg_sleep(0.3)::text, 0)", ()), "x" * 50_000
    questions = [busy, *(contact_question("recipients", f"{key}{number}") for number in range(400))]
    assert not reader.ask(questions), "the server does not read while it sleeps"
    while not reader.flush():
        select.select([reader.socket], [reader.socket], [], 60)
        assert reader.receive() is None
    assert received(reader) == [""] * 401


def test_nothing_was_asked(reader: PostgresReader) -> None:
    assert reader.receive() is None


@pytest.mark.parametrize(
    ("sql", "code"),
    [("SELECT nothing FROM nowhere", Code.STORE_DAMAGED), ("SELECT pg_cancel_backend(pg_backend_pid())::text || pg_sleep(9)::text", Code.STORE_CONNECTION)],
)  # fmt: skip
def test_an_error_is_told(store: Store, reader: PostgresReader, sql: str, code: Code) -> None:
    assert refused(reader, past(store, "1"), Question(sql, ()), past(store, "2")) is code


def test_a_connection_that_the_server_ends(store: Store, location: PostgresAddress, reader: PostgresReader) -> None:
    ended(reader, location)
    number = reader.socket
    select.select([number], [], [], 60)
    with pytest.raises(Refused) as caught:
        for _ in range(100):
            reader.receive()
    assert caught.value.diagnostics[0].code is Code.STORE_CONNECTION
    assert refused(reader, past(store, "1")) is Code.STORE_CONNECTION
    assert reader.socket == number, "an event loop lets go of it after the connection has ended"


def test_it_ends_while_something_is_asked(store: Store, location: PostgresAddress, reader: PostgresReader) -> None:
    (pid,) = answers(reader, [Question("SELECT pg_backend_pid()::text", ())])
    with psycopg.connect(location.conninfo, autocommit=True) as other:
        ending = threading.Timer(0.2, lambda: other.execute("SELECT pg_terminate_backend(%s)", (int(pid),)))
        ending.start()
        assert refused(reader, Question("SELECT pg_sleep(60)::text", ())) is Code.STORE_CONNECTION
        ending.join()


def test_a_pooler_that_changes_connections_is_no_damage(store: Store, reader: PostgresReader) -> None:
    answers(reader, [past(store, "1")])
    answers(reader, [Question("DEALLOCATE ALL", ())])  # as another connection, which knows none of our statements
    assert refused(reader, past(store, "1")) is Code.STORE_CONNECTION


def test_a_store_that_was_replaced_is_not_read(store: Store, location: PostgresAddress) -> None:
    tampering.execute(location, f"DROP SCHEMA {location.schema} CASCADE")
    for code in (Code.STORE_MISSING, Code.STORE_REPLACED):
        with pytest.raises(Refused) as caught:
            store.reader()
        assert caught.value.diagnostics[0].code is code
        Store.open(location, create=True).close()


def test_it_cannot_write(reader: PostgresReader) -> None:
    wish = Question("INSERT INTO meta (key, value) VALUES ('a', 'b') RETURNING value", ())
    assert refused(reader, wish) is Code.STORE_READ_ONLY


def test_what_cannot_be_text_is_refused_as_everywhere(reader: PostgresReader) -> None:
    with pytest.raises(Refused):
        reader.ask([contact_question("recipients", "half \ud800")])
