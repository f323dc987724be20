"""A sample of every class of results that can be shown, and one in which every text tries to act."""

from __future__ import annotations

from collections.abc import Mapping

from report_edges import HISTORY, HOSTILE

from offerkit.reports.history import History, HistoryLine

RESULTS: Mapping[str, object] = {
    "History": History(HISTORY),
    "History-empty": History(()),
    "History-hostile": History(
        (HistoryLine(1, HOSTILE, HOSTILE, HOSTILE, (HOSTILE,), HOSTILE, HOSTILE, HOSTILE, HOSTILE, (), (HOSTILE,), read=HOSTILE),),
        HOSTILE,
    ),
}  # fmt: skip
"""By the class, with what is special about it behind a hyphen."""
