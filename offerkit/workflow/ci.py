"""``ci plan``, ``check`` and ``apply``: what a pull request changes, and that what is applied is what was read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import orjson

from offerkit import __version__
from offerkit.address import SHARED
from offerkit.diagnostics import Code, refuse
from offerkit.loader.git import run
from offerkit.planning.make import Patterns
from offerkit.planning.meaning import facts_of, meaning_of
from offerkit.planning.plan import Plan, envelope, plan_digest
from offerkit.reports.pull_request import PullRequest, pull_request_json
from offerkit.reports.pull_request_html import pull_request_html
from offerkit.reports.pull_request_markdown import comment_markdown
from offerkit.reports.words import listing
from offerkit.workflow.ci_bundle import (
    COMMENT,
    INDEX,
    PAGE,
    PLAN_FILE,
    REPORT,
    Bundle,
    Part,
    Subject,
    index_bytes,
    write,
)
from offerkit.workflow.plan import plan
from offerkit.workflow.session import Session

_OID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


@dataclass(frozen=True)
class Planned:
    """What a pull request changes: the whole plan, and what is said of each environment that changes."""

    bundle: Bundle
    plan: Plan
    requests: tuple[PullRequest, ...]


def planned(session: Session, subject: Subject) -> Planned:
    """What the checked out specs change. Raises Refused with every mistake in them."""
    subject = replace(subject, head=subject.head or head_of(session))
    made = plan(session, Patterns.of((), ()))
    requests = tuple(_requests(made, subject))
    bundle = Bundle(
        subject,
        "store",
        facts_of(made),
        tuple(Part(each.environment, each.meaning, len(each.plan.steps)) for each in requests),
        plan_digest(made) if requests else "",
        __version__,
    )
    return Planned(bundle, made, requests)


def save(found: Planned, folder: Path) -> None:
    """Write the bundle of what was planned: each environment's texts, and the index last."""
    write(folder, _files(found))


def head_of(session: Session) -> str:
    """The commit that is checked out. Raises Refused where there is none."""
    done = run(session.project.root, ["rev-parse", "--verify", "HEAD^{commit}"], session.environ)
    oid = done.stdout.decode("ascii", "replace").strip()
    if done.returncode or not _OID.fullmatch(oid):
        raise refuse(Code.GIT, "no commit is checked out", hint="Name the pull request's head with --head.")
    return oid


def marker(environment: str, meaning: str, head: str) -> str:
    """The hidden first line of a comment, by which it is found again; nothing is decided by it."""
    data = {"v": 1, "env": environment, "meaning": meaning, "head": head}
    return f"<!-- offerkit {orjson.dumps(data).decode()} -->"


def _files(found: Planned) -> Iterator[tuple[str, bytes]]:
    if found.requests:
        yield PLAN_FILE, envelope(found.plan)
    for each in found.requests:
        first = marker(each.environment, each.meaning, each.head)
        yield f"{each.environment}/{COMMENT}", comment_markdown(each, marker=first).encode()
        yield f"{each.environment}/{PAGE}", pull_request_html(each).encode()
        yield f"{each.environment}/{REPORT}", pull_request_json(each).encode()
    yield INDEX, index_bytes(found.bundle)


def _requests(made: Plan, subject: Subject) -> Iterator[PullRequest]:
    for name in sorted({step.stage.environment for step in made.steps}):
        share = _share(made, name)
        base = listing([f"{base.stage} at revision {base.revision}" for base in share.base], len(share.base))
        yield PullRequest(
            name, share, meaning_of(facts_of(share)), base, subject.head, "offerkit plan", number=subject.number
        )


def _share(made: Plan, environment: str) -> Plan:
    """What of a plan is about ``environment``, with all of what it relies on that environments share."""
    steps = tuple(step for step in made.steps if step.stage.environment == environment)
    prints = {step.after.fingerprint for step in steps if step.after is not None}
    return replace(
        made,
        steps=steps,
        base=tuple(base for base in made.base if base.stage.environment == environment),
        blocked=tuple(item for item in made.blocked if item.stage.environment == environment),
        depends=tuple(item for item in made.depends if item.stage.environment in (environment, SHARED)),
        bodies={key: made.bodies[key] for key in made.bodies if key in prints},
    )
