"""A question to the engine, as commands (and later the server) put it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True)
class Wanted:
    """What a call wants of one of its spaces: how many offers, and from which categories."""

    n: int
    categories: tuple[str, ...] = ()
    anonymous_categories: tuple[str, ...] = ()


@dataclass(frozen=True)
class Ask:
    """What a caller asks: spaces (``ENVIRONMENT/SPACE``) in order, for whom, what, when.

    ``contact`` is the key as the space identifies by, ``cookie`` the permanent or session cookie; both may be
    empty. ``at`` is the proposition date (aware). ``output``: render as html, text or xml; empty: fields only.
    ``status_base`` is the address of the service that sets statuses, for tracked links. ``anonymous_categories``
    take the place of ``categories`` where nobody was identified and the linked anonymous space answers; none: those
    of the space that fell back. ``wanted`` is what differs on single spaces, by the name in ``spaces``.
    ``hints``: whether names that are not known are told with those that look like them, which takes a while; nobody
    from outside ever hears them. ``own_html``: html beside the ``outputs``, on spaces that have a function for it.
    """

    spaces: tuple[str, ...]
    at: datetime
    contact: str = ""
    cookie: str = ""
    n: int = 1
    categories: tuple[str, ...] = ()
    themes: tuple[str, ...] = ()
    data: Mapping[str, object] = field(default_factory=dict)
    store: bool = True
    explain: bool = False
    seed: str = ""
    outputs: tuple[str, ...] = ()
    status_base: str = ""
    anonymous_categories: tuple[str, ...] = ()
    wanted: Mapping[str, Wanted] = field(default_factory=dict)
    hints: bool = True
    own_html: bool = False

    def on(self, space: str) -> Wanted:
        """What is wanted of one of the call's spaces."""
        return self.wanted.get(space) or Wanted(self.n, self.categories, self.anonymous_categories)
