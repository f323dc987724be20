"""Days and hours, as periods of presentation rules are written."""

from __future__ import annotations

import re
from datetime import timedelta

_DURATION = re.compile(r"(?:(\d{1,5})d)?(?: ?(\d{1,7})h)?")


def duration(text: str) -> timedelta:
    """``2d 6h``; a day is 24 hours. Raises ValueError for anything else."""
    match = _DURATION.fullmatch(text)
    if match is None or not any(match.groups()):
        raise ValueError(f"“{text[:80]}” is not a duration; write days and hours as in 2d 6h")
    days, hours = (int(part or 0) for part in match.groups())
    return timedelta(days=days, hours=hours)
