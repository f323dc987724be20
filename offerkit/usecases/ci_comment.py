"""``ci comment``: the report for reviewers, as one comment per pull request and environment, kept up to date."""

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
from offerkit.forges.marked import MarkedText, TextAccess, TextChange, by_key, marker, settle
from offerkit.plans.meaning import facts_of, meaning_of
from offerkit.reports.escape import clip, visible
from offerkit.reports.pull_request import PullRequest, pull_request_of
from offerkit.reports.pull_request_markdown import comment_markdown
from offerkit.usecases.ci_bundle import REPORT, Opened, expect, share_of

_PARTLY = (Kind.CASES, Kind.DIMENSION)
"""The kinds whose keys and secrets reports hide, so that the shown text does not match the fingerprint."""
_REPEATS = re.compile(r"offerkit (?:plan|diff git:[0-9a-f]{12} git:[0-9a-f]{12})")
"""The commands that a comment may tell reviewers to run; all of them only show a plan."""


@dataclass(frozen=True, slots=True)
class CommentResult:
    """The comment of an environment, and what was done to it; ``over``: it says that nothing changes any more."""

    environment: str
    done: TextChange
    url: str
    over: bool = False


@dataclass(frozen=True)
class CommentRequest:
    """Where to comment: on pull request ``number``, or on the open one with ``head``.

    ``name`` distinguishes the comments of several projects on one pull request. ``artifact`` is the URL or the name of
    the full report.
    """

    forge: Forge
    number: int = 0
    head: str = ""
    name: str = ""
    artifact: str = ""
    sleep: Callable[[float], None] = time.sleep

    @property
    def prefix(self) -> str:
        """The part of the marker's key before the environment."""
        return f"{self.name}/" if self.name else ""


def comment(how: CommentRequest, found: Opened) -> list[CommentResult] | None:
    """Comment on what changes in each environment, and where nothing changes any more.

    The bundle may come from an untrusted run: it is shown, and decides nothing. The comment shows exactly the meaning
    that “ci check” and “ci apply” compare. Returns None and does nothing if the pull request is closed or has a newer
    head, whose own run comments. Raises Refused for a bundle of another pull request or one that shows something other
    than it means, and if the forge refuses.
    """
    if how.name and not NAME.fullmatch(how.name):
        raise refuse(
            Code.FORGE_SETTINGS, "the comments' name cannot be used", hint="Use letters, digits, hyphens, underscores."
        )
    head = found.bundle.subject.head
    requests = {part.environment: _request(found, part.environment) for part in found.bundle.parts}
    pull_request = _pull_request(how)
    if pull_request is None or pull_request.state is not PullState.OPEN:
        return None
    expect(found.bundle, pull_request.number if found.bundle.subject.number else 0, how.head)
    if pull_request.head != head:
        return None
    how = replace(how, number=pull_request.number)
    own = how.forge.account()
    ours = _ours(how, own)
    if how.forge.pull_request(how.number).head != head:  # lists may take long: a newer run may have commented
        return None
    bodies = {environment: _body(how, request) for environment, request in requests.items()}
    closing_bodies = {name: _closing(how, name, head) for name in sorted(ours) if name not in bodies}
    results = []
    for name, body in (bodies | closing_bodies).items():
        change, url = settle(_access(how, own, name), body, ours.get(name, []))
        results.append(CommentResult(name, change, url, name in closing_bodies))
    return results


def _pull_request(how: CommentRequest) -> PullRequestInfo | None:
    """The pull request from the forge, never from the bundle. None if no open one has the head any more."""
    if how.number:
        return how.forge.pull_request(how.number)
    if not fields.is_commit(how.head):
        raise refuse(
            Code.FORGE_SETTINGS,
            "no pull request to comment on was given",
            hint="Give its number with --pull-request, or its full head commit with --head.",
        )
    pull_requests = [pull_request for pull_request in how.forge.open_pull_requests() if pull_request.head == how.head]
    if len(pull_requests) > 1:
        numbers = ", ".join(str(pull_request.number) for pull_request in pull_requests[:5])
        raise refuse(
            Code.FORGE_SETTINGS,
            f"more than one open pull request has the head {how.head[:12]}: {numbers}",
            hint="Choose one with --pull-request.",
        )
    return pull_requests[0] if pull_requests else None


def told(how: CommentRequest, done: Sequence[CommentResult] | None) -> list[str]:
    """One line on what was done for each environment."""
    if done is None:
        which = f"Pull request {how.number}" if how.number else "The pull request"
        return [f"{which} is closed or has a newer head; no comment was written."]
    lines = []
    for result in done:
        prefix = "no changes left, " if result.over else ""
        where = f" ({visible(clip(result.url, 300))})" if result.url else ""
        lines.append(f"{result.environment}: {prefix}comment {result.done}{where}")
    return lines or ["Nothing changes; no comment is needed."]


def _request(found: Opened, environment: str) -> PullRequest:
    """The report of an environment, which must show exactly what the bundle's index means."""
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
    """The text, rendered again from the bundle's data: the text in the bundle is untrusted."""
    line = marker(how.prefix + request.environment, request.meaning, request.head)
    return comment_markdown(replace(request, artifact=how.artifact), marker=line, limit=how.forge.comment_limit)


def _closing(how: CommentRequest, environment: str, head: str) -> str:
    line = marker(how.prefix + environment, meaning_of(()), head)
    sentence = f"At {head[:10]} this pull request changes nothing in {environment}."
    return f"{line}\n\n### Nothing changes any more\n\n{sentence}\n"


def _ours(how: CommentRequest, own: Account) -> dict[str, list[MarkedText]]:
    """Our comments by environment."""
    texts_by_key = by_key(((comment, _text(comment)) for comment in how.forge.comments(how.number)), own)
    names = {key.removeprefix(how.prefix): texts for key, texts in texts_by_key.items() if key.startswith(how.prefix)}
    return {name: texts for name, texts in names.items() if NAME.fullmatch(name)}


def _access(how: CommentRequest, own: Account, environment: str) -> TextAccess:
    forge, number = how.forge, how.number

    def look() -> Sequence[MarkedText]:
        return _ours(how, own).get(environment, [])

    return TextAccess(
        f"the comment on pull request {number}",
        look,
        lambda body: _text(forge.create_comment(number, body)),
        lambda text, body: forge.update_comment(number, text.id, body),
        lambda text: forge.delete_comment(number, text.id),
        sleep=how.sleep,
    )


def _text(found: ForgeComment) -> MarkedText:
    return MarkedText(found.id, found.body, found.url)
