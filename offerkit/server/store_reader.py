"""Reads a store that is elsewhere in the event loop: what many calls ask goes in one round trip, on one connection.

While that is under way, the questions of other calls gather. To ask again does no harm, so a connection that was lost
is opened again, and what was under way is asked once more.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from offerkit.diagnostics import Code, Refused
from offerkit.server.store_writer import WAITING, busy
from offerkit.store.database import Question, QuestionReader

TOGETHER = 100
"""Calls of one round trip at most."""


@dataclass(slots=True, eq=False)
class _AskingCall:
    """The questions of one call."""

    questions: Sequence[Question]
    done: asyncio.Future[Sequence[str]]
    again: bool = False


class StoreReader:
    """For use in one event loop; nothing is opened before the first question."""

    def __init__(self, connect: Callable[[], QuestionReader]) -> None:
        """``connect`` is called in another thread; it may wait, and raise Refused."""
        self._connect = connect
        self._reader: QuestionReader | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._waiting: deque[_AskingCall] = deque()
        self._under_way: list[_AskingCall] = []

    async def answers(self, questions: Sequence[Question]) -> Sequence[str]:
        """The answers, in order, as the store is at some moment of this call. Raises Refused if it cannot be read."""
        if len(self._waiting) >= WAITING:
            raise busy()
        loop = asyncio.get_running_loop()
        asked = _AskingCall(questions, loop.create_future())
        self._waiting.append(asked)
        if len(self._waiting) == 1 and not self._under_way:
            loop.call_soon(self._send)  # after the other calls that came in the same moment
        return await asked.done

    def let_go(self) -> None:
        """Close the connection; what is under way, and the next question, opens another."""
        reader, self._reader = self._reader, None
        if reader is not None:
            asyncio.get_running_loop().remove_reader(reader.descriptor)
            reader.close()
        self._waiting.extendleft(reversed(self._under_way))
        self._under_way = []
        self._send()

    def _send(self) -> None:
        if self._under_way or not self._waiting:
            return
        if self._reader is None:
            if self._connecting is None:
                self._connecting = asyncio.create_task(self._open())
            return
        while self._waiting and len(self._under_way) < TOGETHER:
            asked = self._waiting.popleft()
            if not asked.done.done():
                self._under_way.append(asked)
        if self._under_way:
            try:
                self._reader.ask([question for asked in self._under_way for question in asked.questions])
            except Exception as error:
                self._failed(error)

    async def _open(self) -> None:
        try:
            self._reader = await asyncio.to_thread(self._connect)
            asyncio.get_running_loop().add_reader(self._reader.descriptor, self._receive)
        except Exception as error:
            while self._waiting:
                _settle(self._waiting.popleft(), error)
        finally:
            self._connecting = None
        self._send()

    def _receive(self) -> None:
        if self._reader is None:
            return
        try:
            answers = self._reader.receive()
        except Exception as error:
            self._failed(error)
            return
        if answers is not None:
            answered, self._under_way = self._under_way, []
            self._send()
            first = 0
            for asked in answered:
                _settle(asked, answers[first : first + len(asked.questions)])
                first += len(asked.questions)

    def _failed(self, error: Exception) -> None:
        """Whatever the connection had been asked is lost with it."""
        lost = isinstance(error, Refused) and error.diagnostics[0].code is Code.STORE_CONNECTION
        for asked in self._under_way:
            if asked.again or not lost:
                _settle(asked, error)
            asked.again = True
        self.let_go()


def _settle(asked: _AskingCall, outcome: Sequence[str] | Exception) -> None:
    if asked.done.done():
        return
    if isinstance(outcome, Exception):
        asked.done.set_exception(outcome)
    else:
        asked.done.set_result(outcome)
