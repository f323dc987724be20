"""What a reviewer reads of a pull request: who sees what else, who must agree, and what exactly changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from offerkit.address import Address, Kind
from offerkit.diagnostics import Diagnostic
from offerkit.planning.plan import Plan
from offerkit.reports.approvals import Row
from offerkit.reports.counts import said
from offerkit.reports.escape import json_text, markdown, markdown_code
from offerkit.reports.impact import Impact, changed_sentence, without_contacts
from offerkit.reports.steps_markdown import CONCISE, Room, steps_markdown
from offerkit.reports.stops import Stopped
from offerkit.reports.words import count

GITHUB_BYTES, GITLAB_BYTES = 60_000, 900_000
"""What a comment may take: GitHub refuses more than 65,536 characters, GitLab more than 1,000,000."""


@dataclass(frozen=True, slots=True)
class Behind:
    """A branch with ``commits`` that the head lacks; what they declare only seems to be deleted: ``addresses``."""

    branch: str
    commits: int
    addresses: tuple[Address, ...]


@dataclass(frozen=True, slots=True)
class PullRequest:
    """All that is said of a pull request, as data; it never holds the keys of contacts.

    ``environment``: the CI's, which has a comment of its own. ``base``: in words, what the plan was made against.
    ``head``: the commit that was planned. ``command``: what repeats the plan. ``approvals``: what is needed before
    what changes can become live. ``stopped``: what is stopped and would change. ``warnings``: all else that a reviewer
    must know, such as policies. ``artifact``: the URL of the whole report, or what it is called.
    """

    environment: str
    plan: Plan
    meaning: str
    base: str
    head: str
    command: str
    impact: Impact | None = None
    approvals: Sequence[Row] = ()
    behind: Behind | None = None
    stopped: Sequence[Stopped] = ()
    warnings: Sequence[Diagnostic] = ()
    number: int = 0
    artifact: str = ""

    def __post_init__(self) -> None:
        if self.impact is not None:
            object.__setattr__(self, "impact", _without_contacts(self.impact))

    @property
    def empty(self) -> bool:
        """Whether nothing changes: no comment is made for that."""
        return self.plan.empty


def _without_contacts(made: Impact) -> Impact:
    return replace(made, spaces=[without_contacts(space) for space in made.spaces])


def verdict(request: PullRequest) -> str:
    """The line that says it all: ``4 offers change · about 1,200 of 30,000 contacts see something else``."""
    if request.empty:
        return "Nothing changes"
    offers = {step.address for step in request.plan.steps if step.address.kind is Kind.OFFER}
    others = len({step.address for step in request.plan.steps} - offers)
    parts = [f"{count(len(offers), 'offer')} {'changes' if len(offers) == 1 else 'change'}" if offers else ""]
    parts.append(f"{count(others, 'other resource')} {'changes' if others == 1 else 'change'}" if others else "")
    if request.impact is not None and request.impact.spaces:
        most = max(request.impact.spaces, key=lambda space: str(said(space.changed)))
        parts.append(changed_sentence(most))
    return " · ".join(filter(None, parts))


def comment_markdown(request: PullRequest, *, marker: str = "", limit: int = GITHUB_BYTES) -> str:
    """The comment of at most ``limit`` bytes, beginning with the hidden ``marker``. Ends with a newline."""
    head = [marker, f"### {markdown(verdict(request))}"]
    tail = f"<sub>meaning {markdown_code(request.meaning)} · {markdown_code(request.command)}</sub>"
    room = Room(limit - sum(len(part.encode()) + 2 for part in [*head, tail]) - 400)
    body = steps_markdown(request.plan.steps, request.plan.bodies, CONCISE, room=room)
    return "\n\n".join(filter(None, [*head, room.note, body, tail])) + "\n"


def pull_request_html(request: PullRequest) -> str:
    """The whole as one self-contained page. Ends with a newline."""
    from offerkit.planning.plan import plan_digest
    from offerkit.reports.plan_html import plan_html
    from offerkit.reports.style import CONCISE as PAGE

    return plan_html(request.plan, plan_digest(request.plan), PAGE.everything(), request.impact)


def pull_request_json(request: PullRequest) -> str:
    """The whole as JSON. Ends with a newline."""
    return json_text({"environment": request.environment, "meaning": request.meaning, "verdict": verdict(request)})
