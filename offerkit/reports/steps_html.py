"""Steps as HTML, for the pages of plans and diffs, also on a server."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from offerkit.governance.approval_items import ReviewedAspect
from offerkit.plans.plan import Step
from offerkit.reports.facts import Fact, facts
from offerkit.reports.fields import FieldView, body_lines, field_views
from offerkit.reports.groups import Bunch, Section, sections
from offerkit.reports.style import CONCISE, Layout
from offerkit.reports.templating import call
from offerkit.reports.words import DONE, SIGNS, VERBS, position, reason
from offerkit.state.changes import Action, Body

_LABEL = 120


PageOf: TypeAlias = Callable[[str], str]
"""The page of a server about the resource at an address; empty if it has none."""


def no_page(_address: str) -> str:
    """In a report by itself, addresses lead nowhere."""
    return ""


class StepView(NamedTuple):
    """What a page shows of a step; ``more``: so many changed fields are left out. ``page``: that of its resource."""

    action: Action
    sign: str
    verb: str
    address: str
    label: str
    origin: str
    facts: Sequence[Fact]
    body: str
    fields: Sequence[FieldView]
    more: int
    page: str = ""


class StepsView(NamedTuple):
    """What a page shows of all steps: their order, and what makes a view of each when its turn comes."""

    sections: Sequence[Section]
    view: Callable[[Step, Bunch], StepView]


def steps_view(
    steps: Sequence[Step],
    bodies: Mapping[str, Body],
    layout: Layout = CONCISE,
    *,
    by_stage: bool = True,
    across: tuple[str, str] | None = None,
    page_of: PageOf = no_page,
) -> StepsView:
    """Every step, by stage (in a diff, without ``by_stage``: by environment, and without reasons)."""
    verbs = VERBS if by_stage else DONE

    def view(step: Step, bunch: Bunch) -> StepView:
        brief = bunch.action is Action.CREATE and bunch.total > layout.bodies
        fields = field_views(step.changes, layout)
        return StepView(
            action=step.action,
            sign=SIGNS[step.action],
            verb=verbs[step.action],
            address=step.address,
            label=layout.clipped(step.label, _LABEL),
            origin=" · ".join(filter(None, [reason(step, plan=by_stage), position(step)])),
            facts=facts(step, layout),
            body="" if brief else "\n".join(body_lines(step, bodies, layout)),
            fields=fields,
            more=len(step.changes) - len(fields),
            page=page_of(step.address),
        )

    return StepsView(sections(steps, layout.limit, by_stage=by_stage, across=across), view)


def steps_html(
    steps: Sequence[Step],
    bodies: Mapping[str, Body],
    layout: Layout = CONCISE,
    *,
    by_stage: bool = True,
    across: tuple[str, str] | None = None,
    page_of: PageOf = no_page,
) -> str:
    """:func:`steps_view` as a part of a page."""
    found = steps_view(steps, bodies, layout, by_stage=by_stage, across=across, page_of=page_of)
    return call("steps.html", "steps", found)


def reviewed_html(rows: Sequence[ReviewedAspect], layout: Layout = CONCISE) -> str:
    """What is decided of one offer: each aspect with what it changes in live. Aspects of the same changes are one."""
    together: list[list[ReviewedAspect]] = []
    for row in rows:
        same = next((group for group in together if (group[0].new, group[0].changes) == (row.new, row.changes)), None)
        if same is None:
            together.append([row])
        else:
            same.append(row)
    groups = []
    for group in together:
        first = group[0]
        fields = field_views(first.changes, layout)
        aspects = ", ".join(row.what for row in group)
        groups.append((aspects, first.beside_live, fields, len(first.changes) - len(fields)))
    return call("steps.html", "reviewed", groups)
