"""Contacts' histories that others write, too: their text is read at every call, and what it says remembered.

So whatever anybody wrote before a call counts in it, whenever and in whichever order transactions were committed, and
nobody has to say what changed. What is saved is to read the same lines, and to count the same propositions, again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from hashlib import blake2b
from typing import NamedTuple

from offerkit.engine.catalog import Catalog
from offerkit.engine.history import PastProposition, RememberedHistory
from offerkit.store import Store
from offerkit.store.database import Question
from offerkit.store.questions import contact_question, is_vain, pasts_in
from offerkit.times import utc
from offerkit.usecases.catalogs import Catalogs
from offerkit.usecases.history_memory import (
    CAPACITY,
    CONTACT_SIZE,
    ContactKey,
    HistoryMemory,
    KeptData,
    Pasts,
    history_size,
    with_kept_data,
)
from offerkit.usecases.propose import history_start
from offerkit.usecases.requests import ProposeRequest


class _ComparedHistory(NamedTuple):
    """What a text of ``length`` letters with this ``digest`` says, as far as it is ``kept``."""

    length: int
    digest: bytes
    pasts: Pasts
    kept: KeptData

    @property
    def size(self) -> int:
        """The capacity it takes."""
        return CONTACT_SIZE + history_size(self.pasts, self.kept)

    def begins(self, text: str) -> bool:
        """Whether ``text`` says the same, and maybe more in further lines."""
        return text[self.length : self.length + 1] in ("", "\n") and self.digest == _digest(text[: self.length])


class ComparedHistories:
    """The histories of the contacts that called most recently. For use in one thread, like its store."""

    def __init__(self, store: Store, room: int = CAPACITY) -> None:
        """``room``: how many propositions to cache."""
        self._store = store
        self._known = HistoryMemory[_ComparedHistory](room)

    def of(self, catalog: Catalog, key: str, now: datetime) -> Sequence[PastProposition]:
        """All propositions that rules and conditions may count at ``now``, and maybe more, in any order.

        Raises Refused if the store cannot be read.
        """
        if not key or not catalog.reads_history:
            return ()
        return self.said(catalog, key, self._store.answer(self.question(catalog, key, now)))

    def said(self, catalog: Catalog, key: str, text: str) -> Sequence[PastProposition]:
        """The propositions that the answer to :meth:`question` names."""
        if not text:
            return ()
        contact, kept = (catalog.environment, key), catalog.seldom_read
        known = self._known.peek(contact)
        if known is None or known.kept != kept or not known.begins(text):
            pasts: Pasts = RememberedHistory(self._new(text, kept))
        elif known.length == len(text):
            self._known.use(contact)
            return known.pasts
        else:
            pasts = known.pasts.extended(self._new(text[known.length + 1 :], kept))
        self._known.keep(contact, _ComparedHistory(len(text), _digest(text), pasts, kept))
        return pasts

    def question(self, catalog: Catalog, key: str, now: datetime) -> Question:
        """What the store is asked for the contact with ``key``: from a midnight on, so that the text stays the same."""
        midnight = f"{utc(history_start(catalog, now))[:10]}T00:00:00.000000Z"
        return self._store.past_question(
            catalog.environment, key, midnight, catalog.former_names, data=bool(catalog.seldom_read)
        )

    def forget(self) -> None:
        """Clear the cache."""
        self._known.forget()

    def _new(self, text: str, kept: KeptData) -> list[PastProposition]:
        try:
            pasts = pasts_in(text)
        except (LookupError, TypeError, ValueError, ArithmeticError) as error:
            raise self._store.edited() from error
        return [with_kept_data(past, kept) for past in pasts] if kept else pasts


def _digest(text: str) -> bytes:
    return blake2b(text.encode(), digest_size=16).digest()


class UnreadError(Exception):
    """A call needs answers that were not expected; they are asked next."""


class CallReads:
    """What one call reads of a store that is elsewhere: expected, asked for together with other calls', then at hand.

    Deciding raises :class:`UnreadError` before it decides anything if more is needed; it begins again once that is
    answered.
    """

    def __init__(self, histories: ComparedHistories, catalogs: Catalogs, ask: ProposeRequest) -> None:
        """What a call needs that names its contact or has a cookie is expected."""
        self._histories = histories
        self._pasts: dict[ContactKey, Question] = {}
        self._answers: dict[Question, str] = {}
        self.missing: list[Question] = []
        """Questions that nobody has answered yet."""
        for environment in dict.fromkeys(place.space.partition("/")[0] for place in ask.places):
            if ask.contact and environment in catalogs and catalogs[environment].reads_history:
                self._expect(self._past(catalogs[environment], ask.contact, ask.at))
            if ask.cookie:
                self._expect(contact_question(environment, ask.cookie))

    def take(self, answers: Sequence[str]) -> None:
        """The answers to what is missing."""
        self._answers.update(zip(self.missing, answers, strict=True))
        self.missing = []

    def contact_of(self, environment: str, cookie: str) -> str:
        """The key of the contact that last identified with ``cookie``. Raises UnreadError."""
        return self._answer(contact_question(environment, cookie))

    def pasts(self, catalog: Catalog, key: str, now: datetime) -> Sequence[PastProposition]:
        """As :meth:`ComparedHistories.of`. Raises UnreadError."""
        if not key or not catalog.reads_history:
            return ()
        return self._histories.said(catalog, key, self._answer(self._past(catalog, key, now)))

    def _past(self, catalog: Catalog, key: str, now: datetime) -> Question:
        contact = (catalog.environment, key)
        question = self._pasts.get(contact)
        if question is None:
            question = self._pasts[contact] = self._histories.question(catalog, key, now)
        return question

    def _expect(self, question: Question) -> bool:
        """Ask it, too, unless it is in vain."""
        asked = not is_vain(question)
        if asked:
            self.missing.append(question)
        return asked

    def _answer(self, question: Question) -> str:
        known = self._answers.get(question)
        if known is None and self._expect(question):
            raise UnreadError
        return known or ""
