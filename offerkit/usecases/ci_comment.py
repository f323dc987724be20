"""``ci comment``: what a reviewer reads, as one comment a pull request and environment, kept up to date."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from offerkit.address import NAME, Kind
from offerkit.diagnostics import Code, Refused, refuse
from offerkit.fingerprint import fingerprint
from offerkit.forges import fields
from offerkit.forges.forge import Account, Forge, ForgeComment, PullRequestInfo, PullState
from offerkit.forges.marked import Done, Place, Text, by_key, marker, settle
from offerkit.plans.meaning import facts_of, meaning_of
from offerkit.reports.escape import clip, visible
from offerkit.reports.pull_request import PullRequest, pull_request_of
from offerkit.reports.pull_request_markdown import comment_markdown
from offerkit.usecases.ci_bundle import REPORT, Opened, expect, share_of

_PARTLY = (Kind.CASES, Kind.DIMENSION)
"""What reports show without people's keys and secrets, so with another text than has the fingerprint."""
_REPEATS = re.compile(r"offerkit (?:plan|diff git:[0-9a-f]{12} git:[0-9a-f]{12})")
"""What repeats a plan: people run what they read in a comment of ours."""


@dataclass(frozen=True, slots=True)
class CommentResult:
    """The one comment of an environment, and what was done to it; ``over``: it says that nothing changes any more."""

    environment: str
    done: Done
    url: str
    over: bool = False


@dataclass(frozen=True)
class CommentRequest:
    """Where to comment: on pull request ``number``, or on the open one with ``head``.

    ``name`` tells the comments of several projects on one pull request apart. ``artifact`` is the URL of the whole
    report, or what it is called.
    """

    forge: Forge
    number: int = 0
    head: str = ""
    name: str = ""
    artifact: str = ""
    sleep: Callable[[float], None] = time.sleep

    @property
    def prefix(self) -> str:
        """What the marker's key has before the environment."""
        return f"{self.name}/" if self.name else ""


def comment(how: CommentRequest, found: Opened) -> list[CommentResult] | None:
    """Say of each environment what changes, and of one that did change before that nothing does any more.

    The bundle may come from a run that nobody trusts: it is shown, and nothing is decided by it. What is shown is what
    it means, by which “ci check” and “ci apply” hold what is applied. None, and nothing is done, when the pull request
    is closed, or has another head by now: the run for that one says it. Raises Refused for a bundle of another pull
    request, or that shows something else than it means, and when the forge refuses.
    """
    if how.name and not NAME.fullmatch(how.name):
        raise refuse(
            Code.FORGE_SETTINGS, "the comments' name cannot be used", hint="Use letters, digits, hyphens, underscores."
        )
    head = found.bundle.subject.head
    requests = {part.environment: _request(found, part.environment) for part in found.bundle.parts}
    now = _pull_request(how)
    if now is None or now.state is not PullState.OPEN:
        return None
    expect(found.bundle, now.number if found.bundle.subject.number else 0, how.head)
    if now.head != head:
        return None
    how = replace(how, number=now.number)
    own = how.forge.account()
    ours = _ours(how, own)
    if how.forge.pull_request(how.number).head != head:  # long lists take their time: a newer run may have commented
        return None
    bodies = {environment: _body(how, request) for environment, request in requests.items()}
    over = {name: _closing(how, name, head) for name in sorted(ours) if name not in bodies}
    done = []
    for name, body in (bodies | over).items():
        what, url = settle(_place(how, own, name), body, ours.get(name, []))
        done.append(CommentResult(name, what, url, name in over))
    return done


def _pull_request(how: CommentRequest) -> PullRequestInfo | None:
    """The pull request, as the forge has it; never as the bundle says. None when no open one has the head any more."""
    if how.number:
        return how.forge.pull_request(how.number)
    if not fields.is_commit(how.head):
        raise refuse(
            Code.FORGE_SETTINGS,
            "no pull request to comment on was given",
            hint="Give its number with --pull-request, or its full head commit with --head.",
        )
    found = [each for each in how.forge.open_pull_requests() if each.head == how.head]
    if len(found) > 1:
        numbers = ", ".join(str(each.number) for each in found[:5])
        raise refuse(
            Code.FORGE_SETTINGS,
            f"more than one open pull request has the head {how.head[:12]}: {numbers}",
            hint="Choose one with --pull-request.",
        )
    return found[0] if found else None


def told(how: CommentRequest, done: Sequence[CommentResult] | None) -> list[str]:
    """What was done, a line each."""
    if done is None:
        which = f"Pull request {how.number}" if how.number else "The pull request"
        return [f"{which} is closed or has a newer head; no comment was written."]
    lines = []
    for each in done:
        what = "no changes left, " if each.over else ""
        where = f" ({visible(clip(each.url, 300))})" if each.url else ""
        lines.append(f"{each.environment}: {what}comment {each.done}{where}")
    return lines or ["Nothing changes; no comment is needed."]


def _request(found: Opened, environment: str) -> PullRequest:
    """The report of an environment, which has to show just what the bundle's index means."""
    content = found.text(environment, REPORT)
    if content is None:
        raise _odd(environment, "is not there")
    request = pull_request_of(content)
    facts = share_of(found.bundle.facts, environment)
    if request.environment != environment or request.head != found.bundle.subject.head:
        raise _odd(environment, "is for another plan")
    if request.meaning != meaning_of(facts) or facts_of(request.plan) != facts:
        raise _odd(environment, "shows something that the bundle does not mean")
    if request.command and not _REPEATS.fullmatch(request.command):
        raise _odd(environment, "names a command that offerkit does not have")
    for key, body in request.plan.bodies.items():
        if body.kind not in _PARTLY and fingerprint(body.kind, body.text.encode()) != key:
            raise _odd(environment, "shows a text that the bundle does not mean")
    return request


def _odd(environment: str, why: str) -> Refused:
    return refuse(
        Code.BUNDLE,
        f"the report of {environment} in the bundle {why}",
        hint="Use the bundle as “offerkit ci plan” wrote it.",
    )


def _body(how: CommentRequest, request: PullRequest) -> str:
    """The text, made anew from the bundle's data: the one that lies in it may hold whatever somebody likes."""
    line = marker(how.prefix + request.environment, request.meaning, request.head)
    return comment_markdown(replace(request, artifact=how.artifact), marker=line, limit=how.forge.comment_limit)


def _closing(how: CommentRequest, environment: str, head: str) -> str:
    line = marker(how.prefix + environment, meaning_of(()), head)
    said = f"At {head[:10]} this pull request changes nothing in {environment}."
    return f"{line}\n\n### Nothing changes any more\n\n{said}\n"


def _ours(how: CommentRequest, own: Account) -> dict[str, list[Text]]:
    """Our comments by environment."""
    found = by_key(((each, _text(each)) for each in how.forge.comments(how.number)), own)
    names = {key.removeprefix(how.prefix): texts for key, texts in found.items() if key.startswith(how.prefix)}
    return {name: texts for name, texts in names.items() if NAME.fullmatch(name)}


def _place(how: CommentRequest, own: Account, environment: str) -> Place:
    forge, number = how.forge, how.number

    def look() -> Sequence[Text]:
        return _ours(how, own).get(environment, [])

    return Place(
        f"the comment on pull request {number}",
        look,
        lambda body: _text(forge.create_comment(number, body)),
        lambda text, body: forge.update_comment(number, text.id, body),
        lambda text: forge.delete_comment(number, text.id),
        sleep=how.sleep,
    )


def _text(found: ForgeComment) -> Text:
    return Text(found.id, found.body, found.url)
