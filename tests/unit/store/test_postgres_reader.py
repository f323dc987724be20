"""Questions in one round trip are answered as one by one, and whatever ends the connection is told."""

from __future__ import annotations

import asyncio
import select
import socket
import struct
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from random import Random

import psycopg
import pytest
import uvloop
from helpers import tampering
from helpers.postgres import new_schema
from proposition_samples import made
from psycopg.conninfo import conninfo_to_dict, make_conninfo

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
        select.select([reader.descriptor], [], [], 60)
        answers = reader.receive()
        if answers is not None:
            return answers
    raise AssertionError("no answer came")


def answers(reader: PostgresReader, questions: Sequence[Question]) -> list[str]:
    reader.ask(questions)
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
    for _ in range(2):
        reader.ask(questions)  # the server does not read while it sleeps, so the rest waits for room
        assert received(reader) == [""] * 401
    assert not select.select([reader.descriptor], [], [], 0.01)[0], "nobody is woken for nothing"


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
    number = reader.descriptor
    select.select([number], [], [], 60)
    with pytest.raises(Refused) as caught:
        for _ in range(100):
            reader.receive()
    assert caught.value.diagnostics[0].code is Code.STORE_CONNECTION
    assert refused(reader, past(store, "1")) is Code.STORE_CONNECTION
    assert reader.descriptor == number, "an event loop lets go of it after the connection has ended"


def test_it_ends_while_something_is_asked(store: Store, location: PostgresAddress, reader: PostgresReader) -> None:
    (pid,) = answers(reader, [Question("SELECT pg_backend_pid()::text", ())])
    with psycopg.connect(location.conninfo, autocommit=True) as other:
        ending = threading.Timer(0.2, lambda: other.execute("SELECT pg_terminate_backend(%s)", (int(pid),)))
        ending.start()
        assert refused(reader, Question("SELECT pg_sleep(60)::text", ())) is Code.STORE_CONNECTION
        ending.join()


@contextmanager
def relayed(location: PostgresAddress) -> Iterator[tuple[PostgresAddress, list[socket.socket]]]:
    """An address that leads to ``location``, and the sockets of those who connect to it."""
    port = int(conninfo_to_dict(location.conninfo)["port"] or 0)
    callers: list[socket.socket] = []

    def copy(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError), target:
            while data := source.recv(65536):
                target.sendall(data)

    with socket.create_server(("127.0.0.1", 0)) as listening:

        def accept() -> None:
            for _ in range(2):
                caller, server = listening.accept()[0], socket.create_connection(("127.0.0.1", port))
                callers.append(caller)
                for pair in ((caller, server), (server, caller)):
                    threading.Thread(target=copy, args=pair, daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        conninfo = make_conninfo(location.conninfo, port=listening.getsockname()[1])
        yield PostgresAddress(conninfo, location.schema, location.name), callers


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_an_event_loop_hears_of_a_reset(store: Store, location: PostgresAddress, loop: object) -> None:
    async def heard(reader: PostgresReader, callers: list[socket.socket]) -> Code:
        outcome: asyncio.Future[Code] = asyncio.get_running_loop().create_future()

        def receive() -> None:
            try:
                reader.receive()
            except Refused as refused:
                asyncio.get_running_loop().remove_reader(reader.descriptor)
                outcome.set_result(refused.diagnostics[0].code)

        asyncio.get_running_loop().add_reader(reader.descriptor, receive)
        reader.ask([Question("SELECT pg_sleep(60)::text", ())])
        callers[-1].send(b"N\0\0\0\x10")  # the beginning of a message, as a server that dies leaves it
        callers[-1].setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        callers[-1].shutdown(socket.SHUT_RD)  # else whoever still reads it holds it open
        callers[-1].close()
        return await asyncio.wait_for(outcome, 60)

    with relayed(location) as (address, callers), Store.open(address) as opened:
        reader = opened.reader()
        assert isinstance(reader, PostgresReader)
        with asyncio.Runner(loop_factory=loop) as runner:  # type: ignore[arg-type]
            assert runner.run(heard(reader, callers)) is Code.STORE_CONNECTION
        reader.close()


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
