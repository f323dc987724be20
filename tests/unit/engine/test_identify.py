"""Step 1: explicit, implicit, fallback, nobody; in that order."""

from __future__ import annotations

import pytest

from offerkit.engine.identify import Identified, IdentifiedBy, IdentifyingSpace, identify
from offerkit.rules.types import Row

ANNA: Row = {"id": 1}
SEEN: Row = {"id": "k"}
WEB = IdentifyingSpace("people", "web", False, True, "visitors/web", ("top",))
STRICT = IdentifyingSpace("people", "desk", False, False, "", ())
VISITORS = IdentifyingSpace("visitors", "web", True, True, "", ())


class _Contacts:
    """Anna by her key and cookie, and a visitor."""

    def by_key(self, door: IdentifyingSpace, key: str) -> tuple[str, Row] | None:
        return ("1", ANNA) if key == "anna" else None

    def by_cookie(self, door: IdentifyingSpace, cookie: str) -> tuple[str, Row | None] | None:
        if door.anonymous:
            return cookie, SEEN if cookie == "known" else None
        return ("1", ANNA) if cookie == "anna's" else None

    def door(self, name: str) -> IdentifyingSpace:
        return {"visitors/web": VISITORS}[name]


ANNA_THERE = Identified("people", "web", IdentifiedBy.EXPLICIT, "1", ANNA)


@pytest.mark.parametrize(
    ("door", "key", "cookie", "expected"),
    [
        (WEB, "anna", "", ANNA_THERE),
        (WEB, "anna", "known", ANNA_THERE),
        (WEB, "", "anna's", Identified("people", "web", IdentifiedBy.IMPLICIT, "1", ANNA)),
        (WEB, "bob", "anna's", Identified("people", "web", IdentifiedBy.IMPLICIT, "1", ANNA)),
        (WEB, "bob", "known", Identified("visitors", "web", IdentifiedBy.FALLBACK, "known", SEEN, ("top",))),
        (WEB, "", "new", Identified("visitors", "web", IdentifiedBy.FALLBACK, "new", None, ("top",))),
        (WEB, "", "", Identified("visitors", "web", IdentifiedBy.FALLBACK, "", None, ("top",))),
        (STRICT, "", "anna's", Identified("people", "desk", IdentifiedBy.NOBODY)),
        (STRICT, "bob", "", Identified("people", "desk", IdentifiedBy.NOBODY)),
        (VISITORS, "", "known", Identified("visitors", "web", IdentifiedBy.IMPLICIT, "known", SEEN)),
        (VISITORS, "", "new", Identified("visitors", "web", IdentifiedBy.IMPLICIT, "new", None)),
    ],
)
def test_who(door: IdentifyingSpace, key: str, cookie: str, expected: Identified) -> None:
    assert identify(door, key, cookie, _Contacts()) == expected
