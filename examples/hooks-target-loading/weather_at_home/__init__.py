"""Target loading: adds call data from tables, the weather in a city and what a session searched for.

The tables are two small files here. In a company they are a weather service and the site's session cache; whatever they
are, look them up with a timeout, because the call waits.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from offerkit.hooks import HookCall, Row, TargetLoadingHook


def weather_at_home(contact: Row, data: Row, call: HookCall) -> dict[str, object]:
    """The weather where the contact lives; for visitors, in the city that this session searched for."""
    searched = _table("searches.csv").get(call.session, {}).get("searched")
    city = str(contact["city"] or searched or "")
    today = _table("weather.csv").get(city)
    added: dict[str, object] = {"searched": searched} if searched else {}
    return {**added, "weather": today["weather"], "degrees": int(today["degrees"])} if today else added


@cache
def _table(name: str) -> Mapping[str, Mapping[str, str]]:
    """The rows of a table by its first column."""
    text = files(__name__).joinpath(name).read_text("utf-8")
    return {next(iter(row.values())): row for row in csv.DictReader(text.splitlines())}


check: TargetLoadingHook = weather_at_home
