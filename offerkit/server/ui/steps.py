"""Steps on a page: all of them with all they say, unless that would be more than anybody reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from offerkit.planning.plan import Step
from offerkit.reports.steps_html import steps_html
from offerkit.reports.style import CONCISE, Layout
from offerkit.server.ui.pages import Facts
from offerkit.state.changes import Body

MANY = 60
"""From more steps on, long texts and lists are cut until everything is asked for."""


def layout_of(count: int, *, full: bool) -> Layout:
    """How much of ``count`` steps is shown: who approves or promotes has to see what it is."""
    return CONCISE.everything() if full or count <= MANY else CONCISE


def shown(
    steps: Sequence[Step],
    bodies: Mapping[str, Body],
    *,
    full: bool,
    by_stage: bool = False,
    across: tuple[str, str] | None = None,
) -> Facts:
    """``steps``, and whether something of them may be left out (``cut``)."""
    layout = layout_of(len(steps), full=full)
    made = steps_html(steps, bodies, layout, by_stage=by_stage, across=across)
    return {"steps": Markup(made), "cut": layout.concise}  # noqa: S704 - escaped there
