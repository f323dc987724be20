"""Which campaigns may go live now, and which are held back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import orjson

from offerkit.diagnostics import Code, Diagnostic
from offerkit.loader import Loaded
from offerkit.loader.record import Finding
from offerkit.planning.campaigns import HOW, WHY, not_live
from offerkit.planning.plan import Blocked
from offerkit.state.changes import Delta
from offerkit.state.entries import Body
from offerkit.state.snapshot import Snapshot


def held_back(
    loaded: Loaded, items: Iterable[Delta], bodies: Mapping[str, Body], live: Callable[[str], Snapshot]
) -> dict[str, tuple[list[Finding], Blocked]]:
    """The campaigns of ``items`` that name what is not live: the findings, and the entry that says they stay behind.

    ``live`` gives the live stage by its name. All are placed at once: a file is parsed again for the exact places.
    """
    found: dict[str, tuple[Delta, list[Finding]]] = {}
    for item in items:
        assert item.after is not None
        body = orjson.loads(bodies[item.after.fingerprint].text)
        record = loaded.records[item.address]
        findings = [
            Finding(record, path, Code.NOT_LIVE, summary, WHY, HOW)
            for path, summary in not_live(item.address, record.refs, body, live(item.stage))
        ]
        if findings:
            found[item.address] = item, findings
    firsts = loaded.placed([findings[0] for _, findings in found.values()]) if found else []
    return {
        address: (findings, _blocked(item, first, len(findings) - 1))
        for (address, (item, findings)), first in zip(found.items(), firsts, strict=True)
    }


def _blocked(item: Delta, first: Diagnostic, others: int) -> Blocked:
    why = first.summary + (f" (and {others} more)" if others else "")
    live_now = item.before is not None
    return Blocked(item.address, item.stage, first.code, why, first.hint, (), live_now, first.position)
