"""Whether a campaign may go live now, as a step or as something held back."""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from offerkit.graph.record import Finding
from offerkit.loader import Loaded
from offerkit.planning.campaigns import not_live
from offerkit.planning.delta import Delta
from offerkit.planning.plan import Blocked, Body
from offerkit.planning.view import View


def held_back(
    loaded: Loaded, item: Delta, bodies: Mapping[str, Body], live: View
) -> tuple[list[Finding], Blocked | None]:
    """What the campaign of ``item`` names that is not live in ``live``, and the entry that says it stays behind."""
    assert item.after is not None
    body = orjson.loads(bodies[item.after.fingerprint].text)
    found = list(not_live(loaded.records[item.address], body, live))
    if not found:
        return [], None
    first = loaded.placed(found)[0]
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    why = first.summary + more
    live_now = item.before is not None
    return found, Blocked(item.address, item.stage, first.code, why, first.hint, (), live_now, first.position)
