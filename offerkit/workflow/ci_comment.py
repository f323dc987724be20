"""``ci comment``: what a reviewer reads, as one comment a pull request and environment, kept up to date."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from offerkit.address import NAME
from offerkit.diagnostics import Code, refuse
from offerkit.forges.forge import Account, Comment, Forge, PullRequestInfo, PullState
from offerkit.forges.marked import Done, Place, Text, by_key, marker, settle
from offerkit.planning.meaning import meaning_of
from offerkit.reports.pull_request import PullRequest
from offerkit.reports.pull_request_markdown import comment_markdown


@dataclass(frozen=True, slots=True)
class Commented:
    """The one comment of an environment, and what was done to it; ``over``: it says that nothing changes any more."""

    environment: str
    done: Done
    url: str
    over: bool = False


@dataclass(frozen=True)
class Commenting:
    """Where to comment; ``name`` tells the comments of several projects on one pull request apart.

    ``artifact`` is the URL of the whole report, or what it is called.
    """

    forge: Forge
    number: int
    name: str = ""
    artifact: str = ""
    sleep: Callable[[float], None] = time.sleep

    @property
    def prefix(self) -> str:
        """What the marker's key has before the environment."""
        return f"{self.name}/" if self.name else ""


def comment(how: Commenting, head: str, requests: Mapping[str, PullRequest]) -> list[Commented] | None:
    """Say of each environment what changes, and of one that did change before that nothing does any more.

    ``requests`` may come from a run that nobody trusts: they are shown, and nothing is decided by them. None, and
    nothing is done, when the pull request is closed, or has another head by now: the run for that one says it. Raises
    Refused for what was planned for another pull request, and when the forge refuses.
    """
    if how.name and not NAME.fullmatch(how.name):
        raise refuse(
            Code.FORGE_SETTINGS, "the comments' name cannot be used", hint="Use letters, digits, hyphens, underscores."
        )
    now = how.forge.pull_request(how.number)
    if now.head != head or now.state is not PullState.OPEN:
        return None
    for environment, request in requests.items():
        _check(how, now, environment, request)
    own = how.forge.account()
    ours = _ours(how, own)
    bodies = {environment: _body(how, request) for environment, request in requests.items() if not request.empty}
    over = {name: _closing(how, name, head) for name in sorted(ours) if name not in bodies}
    done = []
    for name, body in (bodies | over).items():
        what, url = settle(_place(how, own, name), body, ours.get(name, []))
        done.append(Commented(name, what, url, name in over))
    return done


def _check(how: Commenting, now: PullRequestInfo, environment: str, request: PullRequest) -> None:
    if request.environment != environment or not NAME.fullmatch(environment):
        why = "of another environment than its folder is called"
    elif request.number not in (0, how.number):
        why = f"for pull request {request.number}"
    elif request.head != now.head:
        why = "for another head than its index says"
    elif not re.fullmatch(r"[0-9]{1,4}:[0-9a-f]{64}", request.meaning):
        why = "without a meaning that can be read"
    else:
        return
    raise refuse(
        Code.NOT_THIS_PULL_REQUEST,
        f"the bundle has a report {why}; nothing is said of it on pull request {how.number}",
        hint="Give the bundle that “offerkit ci plan” wrote for this pull request and head.",
    )


def _body(how: Commenting, request: PullRequest) -> str:
    """The text, made anew from the bundle's data: the one that lies in it may hold whatever somebody likes."""
    line = marker(how.prefix + request.environment, request.meaning, request.head)
    return comment_markdown(replace(request, artifact=how.artifact), marker=line, limit=how.forge.comment_limit)


def _closing(how: Commenting, environment: str, head: str) -> str:
    line = marker(how.prefix + environment, meaning_of(()), head)
    said = f"At {head[:10]} this pull request changes nothing in {environment}."
    return f"{line}\n\n### Nothing changes any more\n\n{said}\n"


def _ours(how: Commenting, own: Account) -> dict[str, list[Text]]:
    """Our comments by environment."""
    found = by_key(((each, _text(each)) for each in how.forge.comments(how.number)), own)
    names = {key.removeprefix(how.prefix): texts for key, texts in found.items() if key.startswith(how.prefix)}
    return {name: texts for name, texts in names.items() if NAME.fullmatch(name)}


def _place(how: Commenting, own: Account, environment: str) -> Place:
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


def _text(found: Comment) -> Text:
    return Text(found.id, found.body, found.url)
