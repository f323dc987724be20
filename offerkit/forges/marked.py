"""Comments and issues that are kept up to date, one per key, and found again by a hidden marker and their author.

A text is ours if its author is the account of our token *and* its marker names the key; the rest of the marker decides
nothing. Two concurrent runs may each create a text; whichever then finds two keeps the older one.
"""

from __future__ import annotations

import re
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import orjson

from offerkit.diagnostics import Code, refuse
from offerkit.forges.api import AnswerLost
from offerkit.forges.forge import Account

_MARKER = re.compile(r"^<!-- offerkit (\{[^\r\n]{0,2000}\}) -->\r?$", re.MULTILINE)
_MARKED = 10_000
"""How many characters at the beginning of a text are searched for the marker: text may be inserted before it."""
_ROUNDS = 4
_LAG = 2.0
"""Seconds to wait before looking for a created text: a forge may list it late."""


class TextChange(StrEnum):
    """What was done to a text."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class MarkedText:
    """A comment or an issue, by its number; ``title`` is empty for a comment."""

    id: int
    body: str
    url: str
    title: str = ""


class Authored(Protocol):
    """A comment or an issue, with an author and a text."""

    @property
    def author(self) -> Account | None:
        """The account that wrote it; None if it was deleted."""

    @property
    def body(self) -> str:
        """The text."""


@dataclass(frozen=True)
class TextAccess:
    """How to find the texts of one key, and to create, update and remove one.

    ``look`` returns them in the order of :func:`by_key`. ``create`` raises AnswerLost if its outcome is unknown;
    ``update`` returns False if the text no longer exists. ``what`` names the text in messages.
    """

    what: str
    look: Callable[[], Sequence[MarkedText]]
    create: Callable[[str], MarkedText]
    update: Callable[[MarkedText, str], bool]
    remove: Callable[[MarkedText], object]
    title: str = ""
    sleep: Callable[[float], None] = time.sleep


def marker(key: str, meaning: str, head: str) -> str:
    """The hidden first line by which a text is found again."""
    data = {"v": 1, "env": key, "meaning": meaning, "head": head}
    return f"<!-- offerkit {orjson.dumps(data).decode()} -->"


def marked(body: str) -> str | None:
    """The key that the first marker of a text names; None without one."""
    match = _MARKER.search(body[:_MARKED])
    if match is None:
        return None
    try:
        data = orjson.loads(match[1])
    except orjson.JSONDecodeError:
        return None
    key = data.get("env") if isinstance(data, dict) else None
    return key if isinstance(key, str) else None


def by_key(things: Iterable[tuple[Authored, MarkedText]], own: Account) -> dict[str, list[MarkedText]]:
    """The texts that are ours, by their keys: those that begin with the marker first, and the current of them.

    Another tool of the same account may quote one of ours.
    """
    texts_by_key = defaultdict(list)
    for thing, text in things:
        key = marked(thing.body) if thing.author is not None and thing.author.id == own.id else None
        if key is not None:
            texts_by_key[key].append(text)
    return {
        key: sorted(texts, key=lambda text: (not _begins(text.body), text.id)) for key, texts in texts_by_key.items()
    }


def settle(access: TextAccess, body: str, existing: Sequence[MarkedText]) -> tuple[TextChange, str]:
    """Leave exactly one text, with ``body``, of none, one or several ``existing``; returns what was done, and its URL.

    Raises Refused if the forge refuses, and AnswerLost if it stays unknown whether a text was created.
    """
    done, lost = TextChange.UNCHANGED, None
    for _ in range(_ROUNDS):
        if not existing and lost is not None:
            access.sleep(_LAG)
            existing = access.look()
        if not existing:
            try:
                created = access.create(body)
                access.sleep(_LAG)  # so that each of two concurrent runs sees what the other created
                done, existing = TextChange.CREATED, access.look() or [created]
            except AnswerLost as error:
                done, lost, existing = TextChange.CREATED, error, access.look()
                continue
        current, *others = existing
        for other in others:
            if _begins(other.body):
                access.remove(other)
        if same(current.body, body) and current.title == access.title:
            return done, current.url
        if access.update(current, body):
            return TextChange.UPDATED, current.url
        existing = access.look()
    raise lost or refuse(
        Code.FORGE,
        f"{access.what} disappears whenever it is written",
        hint="Something else deletes it: check bots and automation rules.",
    )


def _begins(body: str) -> bool:
    return body.lstrip().startswith("<!-- offerkit ")


def same(actual: str, expected: str) -> bool:
    """Whether two texts are the same; forges change line ends and surrounding blanks."""
    return _lines(actual) == _lines(expected)


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.replace("\r\n", "\n").strip().split("\n")]
