"""What many calls ask goes together; a connection that was lost costs nobody an answer, if another can be made."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import pytest

from offerkit.diagnostics import Code, Refused, refuse
from offerkit.server import store_reader
from offerkit.server.store_reader import StoreReader
from offerkit.store.database import Question


def lost() -> Refused:
    return refuse(Code.STORE_CONNECTION, "the connection was lost")


class Line:
    """A connection that answers each question with its first argument, when told to."""

    def __init__(self) -> None:
        self.mine, self.theirs = socket.socketpair()
        self.mine.setblocking(False)
        self.batches: list[list[str]] = []
        self.fails: Exception | None = None
        self.closed = False
        self.descriptor = self.mine.fileno()

    def ask(self, questions: Sequence[Question]) -> None:
        if self.fails is not None:
            raise self.fails
        self.batches.append([question.args[0] for question in questions])

    def receive(self) -> list[str] | None:
        sent = self.mine.recv(1)
        if sent == b"!":
            raise self.fails or lost()
        return self.batches[-1] if sent == b"." else None

    def close(self) -> None:
        self.closed = True
        self.mine.close()

    def say(self, what: bytes = b".") -> None:
        self.theirs.send(what)


def run(work: Callable[[StoreReader, list[Line]], Coroutine[Any, Any, None]], *lines: Line | Refused) -> None:
    waiting, opened = list(lines), list[Line]()

    def connect() -> Line:
        line = waiting.pop(0)
        if isinstance(line, Refused):
            raise line
        opened.append(line)
        return line

    async def all_of_it() -> None:
        await asyncio.wait_for(work(StoreReader(connect), opened), 30)

    asyncio.run(all_of_it())
    for line in opened:
        line.theirs.close()


def asking(reader: StoreReader, *texts: str) -> asyncio.Task[Sequence[str]]:
    return asyncio.ensure_future(reader.answers([Question("", (text,)) for text in texts]))


async def until(true: Callable[[], bool]) -> None:
    while not true():
        await asyncio.sleep(0.001)


def test_what_gathers_goes_together() -> None:
    async def work(reader: StoreReader, lines: list[Line]) -> None:
        calls = [asking(reader, "a", "b"), asking(reader, "c")]
        await until(lambda: bool(lines) and len(lines[0].batches) == 1)
        calls += [asking(reader, "d"), asking(reader, "e", "f")]
        await asyncio.sleep(0.01)
        assert lines[0].batches == [["a", "b", "c"]], "one round trip at a time"
        lines[0].say(b",")
        lines[0].say()
        await until(lambda: len(lines[0].batches) == 2)
        lines[0].say()
        assert await asyncio.gather(*calls) == [["a", "b"], ["c"], ["d"], ["e", "f"]]
        assert lines[0].batches[1] == ["d", "e", "f"] and len(lines) == 1
        reader.let_go()
        assert lines[0].closed

    run(work, Line())


def test_a_round_trip_has_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_reader, "TOGETHER", 2)

    async def work(reader: StoreReader, lines: list[Line]) -> None:
        calls = [asking(reader, text) for text in "abcde"]
        for number in range(3):
            await until(lambda: bool(lines) and len(lines[0].batches) == number + 1)  # noqa: B023
            lines[0].say()
        assert await asyncio.gather(*calls) == [["a"], ["b"], ["c"], ["d"], ["e"]]
        assert lines[0].batches == [["a", "b"], ["c", "d"], ["e"]]
        reader.let_go()

    run(work, Line())


def test_after_a_lost_connection_it_is_asked_again() -> None:
    async def work(reader: StoreReader, lines: list[Line]) -> None:
        first = asking(reader, "a")
        await until(lambda: bool(lines) and bool(lines[0].batches))
        second = asking(reader, "b")
        await asyncio.sleep(0)
        lines[0].say(b"!")
        await until(lambda: len(lines) == 2 and bool(lines[1].batches))
        assert lines[0].closed and lines[1].batches == [["a", "b"]]
        lines[1].say()
        assert (await first, await second) == (["a"], ["b"])
        reader.let_go()

    run(work, Line(), Line())


def test_it_is_asked_again_once_only() -> None:
    async def work(reader: StoreReader, lines: list[Line]) -> None:
        call = asking(reader, "a")
        for number in range(2):
            await until(lambda: len(lines) == number + 1 and bool(lines[number].batches))  # noqa: B023
            lines[number].say(b"!")
        with pytest.raises(Refused):
            await call
        await asyncio.sleep(0.01)
        assert len(lines) == 2, "nobody waits: no connection is made"

    run(work, Line(), Line())


def test_another_error_is_told_to_those_who_asked() -> None:
    async def work(reader: StoreReader, lines: list[Line]) -> None:
        first = asking(reader, "a")
        await until(lambda: bool(lines) and bool(lines[0].batches))
        second = asking(reader, "b")
        await asyncio.sleep(0)
        lines[0].fails = refuse(Code.STORE_DAMAGED, "it is damaged")
        lines[0].say(b"!")
        with pytest.raises(Refused, match="damaged"):
            await first
        await until(lambda: len(lines) == 2 and bool(lines[1].batches))
        lines[1].say()
        assert await second == ["b"]
        reader.let_go()

    run(work, Line(), Line())


def test_where_no_connection_can_be_made_all_are_told() -> None:
    async def work(reader: StoreReader, lines: list[Line]) -> None:
        calls = [asking(reader, text) for text in "ab"]
        for call in calls:
            with pytest.raises(Refused, match="lost"):
                await call
        later = asking(reader, "c")
        await until(lambda: bool(lines) and bool(lines[0].batches))
        lines[0].say()
        assert await later == ["c"]
        reader.let_go()

    run(work, lost(), Line())


def test_a_connection_that_ends_with_nothing_asked_is_made_anew() -> None:
    async def work(reader: StoreReader, lines: list[Line]) -> None:
        for number in range(2):
            call = asking(reader, "a")
            await until(lambda: len(lines) == number + 1 and bool(lines[number].batches))  # noqa: B023
            lines[number].say()
            assert await call == ["a"]
            lines[number].say(b"!")
            await until(lambda: lines[number].closed)  # noqa: B023

    run(work, Line(), Line())


def test_a_call_that_ended_meanwhile_is_not_asked_for() -> None:
    async def work(reader: StoreReader, lines: list[Line]) -> None:
        first, second, third = (asking(reader, text) for text in "abc")
        await asyncio.sleep(0)
        second.cancel()
        await until(lambda: bool(lines) and bool(lines[0].batches))
        assert lines[0].batches == [["a", "c"]]
        first.cancel()
        await asyncio.sleep(0)
        lines[0].say()
        assert await third == ["c"]
        reader.let_go()

    run(work, Line())


def test_more_than_can_wait_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_reader, "WAITING", 2)

    async def work(reader: StoreReader, lines: list[Line]) -> None:
        calls = [asking(reader, text) for text in "abc"]
        with pytest.raises(Refused) as refused:
            await calls[2]
        assert refused.value.diagnostics[0].code is Code.BUSY
        await until(lambda: bool(lines) and bool(lines[0].batches))
        lines[0].say()
        assert await asyncio.gather(*calls[:2]) == [["a"], ["b"]]
        reader.let_go()

    run(work, Line())
