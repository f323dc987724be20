"""The steps of a plan on a page: in full, or shortened when there are many."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from urllib.parse import quote

from markupsafe import Markup

from offerkit.address import Address, Kind
from offerkit.plans.plan import Step
from offerkit.reports.escape import html
from offerkit.reports.plan_html import command_html
from offerkit.reports.steps_html import steps_html
from offerkit.reports.style import CONCISE, Layout
from offerkit.server.ui.pages import Facts
from offerkit.state.changes import Body

MANY = 60
"""From more steps on, long texts and lists are cut until everything is asked for."""


def layout_of(count: int, *, full: bool) -> Layout:
    """How much of ``count`` steps a page shows; ``full`` shows all, for operators who approve or promote them."""
    return CONCISE.everything() if full or count <= MANY else CONCISE


def page_of(address: str) -> str:
    """The page of the resource at ``address``; empty for a name without its environment."""
    if not isinstance(address, Address):
        return ""
    if address.kind is Kind.OFFER:
        return f"/ui/offers/{address.environment}/{address.name}"
    return f"/ui/show?address={quote(address, safe='')}"


_DECIDED = re.compile(r"offerkit approve (\S+)(?: --\S+(?: [\w-]+)?)*")
_RESUMED = re.compile(r"offerkit resume (\S+)")


def linked(how: str) -> str:
    """What helps with something that is blocked, as a link to the page where it is done; else as it is typed."""
    if match := _DECIDED.fullmatch(how):
        return f'<a href="/ui/approvals?show=all&amp;q={quote(match[1], safe="")}">see it and decide</a>'
    if match := _RESUMED.search(how):
        return html(how[: match.start()]) + f'<a href="/ui/stops">resume {html(match[1])}</a>'
    return command_html(how)


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
    text = steps_html(steps, bodies, layout, by_stage=by_stage, across=across, page_of=page_of)
    return {"steps": Markup(text), "cut": layout.concise}  # noqa: S704 - escaped there
