"""``ci drift``: what differs between the store and the specs of the default branch, as one issue kept up to date."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from offerkit.address import NAME
from offerkit.diagnostics import Code, refuse
from offerkit.forges.forge import Account, Forge, Issue
from offerkit.forges.marked import MarkedText, TextAccess, TextChange, by_key, marker, settle
from offerkit.plans.make import AddressPatterns
from offerkit.plans.meaning import facts_of, meaning_of
from offerkit.plans.plan import Plan
from offerkit.reports.escape import clip, markdown, markdown_code, visible
from offerkit.reports.steps_markdown import CONCISE, Room, steps_markdown
from offerkit.reports.words import count, summary
from offerkit.usecases.ci_bundle import PullRequestRef
from offerkit.usecases.ci_states import subject_of
from offerkit.usecases.plan import plan_design
from offerkit.usecases.session import Session

_KEY = "drift"
_RESERVED = 2_000
"""Bytes reserved for the text around the steps."""


@dataclass(frozen=True)
class Drifted:
    """What the default branch's specs at ``head`` would change in the store."""

    plan: Plan
    branch: str
    head: str

    @property
    def resources(self) -> int:
        """The number of resources that differ."""
        return len({step.address for step in self.plan.steps})


@dataclass(frozen=True)
class Keeping:
    """Where to keep the issue; ``name`` distinguishes the issues of several projects in one repository."""

    forge: Forge
    name: str = ""
    sleep: Callable[[float], None] = time.sleep

    @property
    def key(self) -> str:
        """The key in the issue's marker."""
        return f"{self.name}/{_KEY}" if self.name else _KEY


@dataclass(frozen=True, slots=True)
class Kept:
    """What was done to the issue (None: none is needed), its URL, and how many issues were closed."""

    done: TextChange | None
    url: str
    closed: int = 0


def drifted(session: Session, forge: Forge) -> Drifted:
    """What differs now; the default branch must be checked out.

    Raises Refused without a store, for mistakes in the specs, and if the forge cannot be reached.
    """
    head = subject_of(session, PullRequestRef()).head
    loaded = session.load()
    with session.existing() as store:
        plan = plan_design(session, loaded, store, AddressPatterns.of((), ()), check_policies=False)
    return Drifted(plan, forge.default_branch(), head)


def keep(how: Keeping, found: Drifted) -> Kept:
    """Open the issue, update it, or close it when nothing differs any more. Raises Refused if the forge refuses."""
    if how.name and not NAME.fullmatch(how.name):
        raise refuse(
            Code.FORGE_SETTINGS, "the issue's name cannot be used", hint="Use letters, digits, hyphens, underscores."
        )
    own = how.forge.account()
    existing = _ours(how, own)
    if not found.plan.empty:
        return Kept(*settle(_access(how, own, found), _body(how, found), existing))
    closing_body = _over(how, found)
    closed = [
        how.forge.update_issue(issue.id, title=issue.title, body=closing_body, is_open=False) for issue in existing
    ]
    return Kept(None, existing[0].url if existing else "", sum(closed))


def told(found: Drifted, kept: Kept) -> str:
    """One line on what was done."""
    where = f" ({visible(clip(kept.url, 300))})" if kept.url else ""
    if kept.done is not None:
        return f"{_differ(found)} from {visible(clip(found.branch, 100))}: issue {kept.done}{where}"
    return f"Nothing differs: issue closed{where}" if kept.closed else "Nothing differs."


def _differ(found: Drifted) -> str:
    return f"{count(found.resources, 'resource')} {'differs' if found.resources == 1 else 'differ'}"


def _title(how: Keeping, found: Drifted) -> str:
    project = f"{how.name}: " if how.name else ""
    return f"{project}the store differs from the specs of {visible(clip(found.branch, 100))}"


def _body(how: Keeping, found: Drifted) -> str:
    """The issue's text, without time or revision, so that the same difference gives the same text."""
    room = Room(how.forge.comment_limit - _RESERVED)
    steps = steps_markdown(found.plan.steps, found.plan.bodies, CONCISE, room=room)
    branch, head = markdown_code(visible(clip(found.branch, 100))), markdown_code(found.head[:12])
    parts = [
        marker(how.key, meaning_of(facts_of(found.plan)), found.head),
        f"**{_differ(found)}** between the store and the specs of {branch} at {head}. "
        "Either something was applied that is not in the branch, or something was merged and never applied.",
        markdown(summary(found.plan)),
        "> **Cut short**: not everything fits here; “offerkit plan” shows the rest." if room.note else "",
        steps,
        "<sub>“offerkit plan” on that commit shows the same, “offerkit apply” makes the store what the specs say. "
        "This issue is kept up to date, and closed when nothing differs any more.</sub>",
    ]
    return "\n\n".join(part.strip("\n") for part in parts if part) + "\n"


def _over(how: Keeping, found: Drifted) -> str:
    line = marker(how.key, meaning_of(()), found.head)
    branch = markdown_code(visible(clip(found.branch, 100)))
    return f"{line}\n\nNothing differs any more between the store and {branch} at {markdown_code(found.head[:12])}.\n"


def _ours(how: Keeping, own: Account) -> Sequence[MarkedText]:
    return by_key(((issue, _text(issue)) for issue in how.forge.issues(own)), own).get(how.key, [])


def _access(how: Keeping, own: Account, found: Drifted) -> TextAccess:
    forge, title = how.forge, _title(how, found)
    return TextAccess(
        "the issue about drift",
        lambda: _ours(how, own),
        lambda body: _text(forge.create_issue(title, body)),
        lambda text, body: forge.update_issue(text.id, title=title, body=body, is_open=True),
        lambda text: forge.update_issue(text.id, title=text.title, body="Another issue says it.\n", is_open=False),
        title,
        how.sleep,
    )


def _text(found: Issue) -> MarkedText:
    return MarkedText(found.number, found.body, found.url, found.title)
