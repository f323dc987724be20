"""Texts at a forge that are kept up to date, one for each key: found again by a hidden marker and by their author.

A text is ours when its author is the account of our own token *and* its marker names the key. Nothing else that the
marker says decides anything. Two runs at once may each make a text; whoever then finds two keeps the older one.
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
"""Characters at the beginning of a text in which its marker is looked for: somebody may have written before it."""
_ROUNDS = 4
_LAG = 2.0
"""Seconds until what was created is looked for: a forge may list it late."""


class Done(StrEnum):
    """What became of a text."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class Text:
    """A comment or an issue, by its number; ``title`` is empty for a comment."""

    id: int
    body: str
    url: str
    title: str = ""


class Authored(Protocol):
    """What has an author and a text."""

    @property
    def author(self) -> Account | None:
        """Who wrote it."""

    @property
    def body(self) -> str:
        """The text."""


@dataclass(frozen=True)
class Place:
    """Where texts of one key are: how to look for them, and to create, change and remove one.

    ``look`` gives them in the order of :func:`by_key`. ``create`` raises AnswerLost when it is not known whether it
    did; ``update`` gives False for a text that is gone.
    """

    what: str
    look: Callable[[], Sequence[Text]]
    create: Callable[[str], Text]
    update: Callable[[Text, str], bool]
    remove: Callable[[Text], object]
    title: str = ""
    sleep: Callable[[float], None] = time.sleep


def marker(key: str, meaning: str, head: str) -> str:
    """The hidden first line of a text, by which it is found again."""
    data = {"v": 1, "env": key, "meaning": meaning, "head": head}
    return f"<!-- offerkit {orjson.dumps(data).decode()} -->"


def marked(body: str) -> str | None:
    """The key that the first marker of a text names; None without one."""
    found = _MARKER.search(body[:_MARKED])
    if found is None:
        return None
    try:
        data = orjson.loads(found[1])
    except orjson.JSONDecodeError:
        return None
    key = data.get("env") if isinstance(data, dict) else None
    return key if isinstance(key, str) else None


def by_key(things: Iterable[tuple[Authored, Text]], own: Account) -> dict[str, list[Text]]:
    """The texts that are ours, by their keys: those that begin with the marker first, and the oldest of them.

    Another tool of the same account may quote one of ours.
    """
    found = defaultdict(list)
    for thing, text in things:
        key = marked(thing.body) if thing.author is not None and thing.author.id == own.id else None
        if key is not None:
            found[key].append(text)
    return {key: sorted(texts, key=lambda text: (not _begins(text.body), text.id)) for key, texts in found.items()}


def settle(place: Place, body: str, there: Sequence[Text]) -> tuple[Done, str]:
    """One text with ``body``, whatever is ``there``: none, one, several, or one that vanishes; and its URL.

    Raises Refused when the forge refuses, and AnswerLost when even by looking it is not known what was created.
    """
    done, lost = Done.UNCHANGED, None
    for _ in range(_ROUNDS):
        if not there and lost is not None:
            place.sleep(_LAG)
            there = place.look()
        if not there:
            try:
                made = place.create(body)
                place.sleep(_LAG)  # so that of two runs at once each sees what the other created
                done, there = Done.CREATED, place.look() or [made]
            except AnswerLost as error:
                done, lost, there = Done.CREATED, error, place.look()
                continue
        kept, *others = there
        for other in others:
            if _begins(other.body):
                place.remove(other)
        if same(kept.body, body) and kept.title == place.title:
            return done, kept.url
        if place.update(kept, body):
            return Done.UPDATED, kept.url
        there = place.look()
    raise lost or refuse(
        Code.FORGE,
        f"{place.what} disappears whenever it is written",
        hint="Something else deletes it: check bots and automation rules.",
    )


def _begins(body: str) -> bool:
    return body.lstrip().startswith("<!-- offerkit ")


def same(there: str, wanted: str) -> bool:
    """Whether a text is as it was written; forges end lines and texts in their own way."""
    return _lines(there) == _lines(wanted)


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.replace("\r\n", "\n").strip().split("\n")]
