"""What a reviewer reads about a pull request: its impact on contacts, the approvals it needs, and its exact changes.

It is data; the comment and the page have their own modules.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeVar

import orjson

from offerkit.address import Address, Kind
from offerkit.diagnostics import Code, Diagnostic, Refused, Severity, and_list, or_list, refuse
from offerkit.engine.counts import Count, rounded, said, size
from offerkit.engine.estimate import Sample, estimate
from offerkit.engine.impact import Impact, SpaceImpact, without_contacts
from offerkit.governance.approval_items import ApprovalItem
from offerkit.governance.stopped import Stopped
from offerkit.plans.fields import redacted_fields
from offerkit.plans.plan import Aspect, Plan, Step, plain_data
from offerkit.reports.escape import json_text
from offerkit.reports.groups import blocked_groups
from offerkit.reports.impact import emptied_sentence, examples, number
from offerkit.reports.proof_words import StatedProofs
from offerkit.reports.renames import likely_renames
from offerkit.reports.style import PRESENTATION, Presentation
from offerkit.reports.words import VERBS, count, listing, names
from offerkit.state.changes import Action, Body
from offerkit.state.eligibility import AffectedOffers

T = TypeVar("T")
FORMAT = 1
"""The format of the JSON; newer formats are refused."""
MAX_BYTES = 256 * 1024 * 1024
_DEPTH = 64
_MOST = 10**12
"""The largest number of contacts that is accepted."""
_NAMES = 10
"""Names in one sentence."""
IMPACT_ROWS = 10


@dataclass(frozen=True, slots=True)
class Behind:
    """A branch with ``commits`` that the head lacks: ``addresses`` differ, or seem to be deleted, only for that."""

    branch: str
    commits: int
    addresses: tuple[Address, ...]


@dataclass(frozen=True, slots=True)
class PullRequest:
    """The full report of a pull request, as data; it never contains the keys of contacts.

    ``environment``: each one has its own comment. ``base``: what the plan was compared with, in words.
    ``head``: the commit that was planned. ``command``: the command that repeats the plan. ``approvals``: the approvals
    needed before the changes can go live; None if unknown. ``stopped``: stopped resources that would change.
    ``warnings``: all else that a reviewer must know, such as policies. ``artifact``: the URL of the whole report, or
    its name. ``reached``: offers that are not edited, but whose eligibility changes through other resources.
    ``proofs``: what the changes of rules mean for every contact there can be; None if that was not wanted.
    """

    environment: str
    plan: Plan
    meaning: str
    base: str
    head: str
    command: str
    impact: Impact | None = None
    approvals: tuple[ApprovalItem, ...] | None = None
    behind: Behind | None = None
    stopped: tuple[Stopped, ...] = ()
    warnings: tuple[Diagnostic, ...] = ()
    number: int = 0
    artifact: str = ""
    reached: tuple[AffectedOffers, ...] = ()
    proofs: StatedProofs | None = None

    def __post_init__(self) -> None:
        if self.impact is not None:
            object.__setattr__(self, "impact", _without_contacts(self.impact))

    @property
    def empty(self) -> bool:
        """Whether nothing changes; then no comment is needed."""
        return self.plan.empty


def _without_contacts(impact: Impact) -> Impact:
    """No contact; and no values of a field either where contacts were named, for then it may be one that does so."""
    named = any(example.contact for space in impact.spaces for offer in space.offers for example in offer.examples)
    spaces = [without_contacts(space) for space in impact.spaces]
    return replace(impact, spaces=[replace(space, segments=()) for space in spaces] if named else spaces)


def verdict(request: PullRequest) -> str:
    """The summary line: ``4 offers change · about 1,200 of 30,000 contacts get other offers``."""
    if request.empty:
        return "Nothing changes"
    changed = {step.address for step in request.plan.steps}
    offers = {address for address in changed if address.kind is Kind.OFFER}
    others = len(changed) - len(offers)
    reached = {address for step in request.plan.steps for address in step.dependents if address.kind is Kind.OFFER}
    parts = [count(len(offers), "offer")] if offers else []
    parts += [count(others, "other resource" if offers else "resource")] if others else []
    said_ = f"{and_list(parts)} {'changes' if len(changed) == 1 else 'change'}"
    reached |= {offer for group in request.reached for offer in group.offers}
    more = len(reached - changed)
    noun = "more offer" if offers else "offer"
    said_ += f", {count(more, noun)} {'is' if more == 1 else 'are'} affected" if more else ""
    return " · ".join(filter(None, [said_, _reach(request.impact)]))


def _reach(impact: Impact | None) -> str:
    """How many contacts get other offers; of several spaces the largest number, so that no contact counts twice."""
    if impact is None or not impact.spaces:
        return ""
    changed: dict[str, list[SpaceImpact]] = {}
    for space in impact.spaces:
        if space.changed:
            changed.setdefault(space.space.partition("/")[0], []).append(space)
    if not changed:
        return "no contact gets other offers"
    parts = []
    for environment, spaces in changed.items():
        most = max(spaces, key=lambda space: size(space.changed))
        least = "at least " if len(spaces) > 1 else ""
        of = f" of {environment}" if len(changed) > 1 else ""
        parts.append(f"{least}{_estimated(most.changed, most.sample)} of {said(most.contacts)} contacts{of}")
    alone = len(parts) == 1 and parts[0].startswith("1 of ")
    return f"{and_list(parts)} {'gets' if alone else 'get'} other offers"


def _estimated(found: Count, sample: Sample | None) -> str:
    return said(found if sample is None else rounded(estimate(size(found), sample).value))


class Alert(NamedTuple):
    """Something that a reviewer must not miss: its kind and a sentence."""

    title: str
    text: str
    grave: bool = False


def together(sentences: Iterable[tuple[str, T]]) -> list[tuple[str, T]]:
    """Names with the same text as one list, in the order of their first name, so that the text is read once."""
    names_by_text: dict[T, list[str]] = {}
    for name, text in sentences:
        names_by_text.setdefault(text, []).append(name)
    return [(listing(tuple(same_text), _NAMES), text) for text, same_text in names_by_text.items()]


def alerts(request: PullRequest) -> list[Alert]:
    """What a reviewer must not miss, the gravest first."""
    listed_alerts = [_told(diagnostic) for diagnostic in request.warnings if diagnostic.severity is Severity.ERROR]
    listed_alerts += _behind(request.behind)
    listed_alerts += _deletions(request)
    if request.impact is not None:
        own = f"{request.environment}/"
        emptied = [space for space in request.impact.spaces if space.emptied]
        losses = together((s.space.removeprefix(own), (emptied_sentence(s), s.exceeds)) for s in emptied)
        listed_alerts += [Alert("Left without an offer", f"on {on}, {text}", grave) for on, (text, grave) in losses]
    listed_alerts += [_stopped(stop) for stop in request.stopped]
    listed_alerts += _blocked(request.plan)
    pairs = [pair for pairs in likely_renames(request.plan).values() for pair in pairs]
    if pairs:
        text = listing([f"{old} → {new}" for old, new in pairs], _NAMES)
        listed_alerts.append(
            Alert("Renamed?", f"{text}: deleted and created with the same fields, without a declared rename")
        )
    listed_alerts += [_told(diagnostic) for diagnostic in request.warnings if diagnostic.severity is not Severity.ERROR]
    return listed_alerts + [Alert("Note", note) for note in request.plan.notes]


def _told(diagnostic: Diagnostic) -> Alert:
    position = f" ({diagnostic.address or diagnostic.position})" if diagnostic.address or diagnostic.position else ""
    text = ". ".join(
        text.rstrip(".") for text in (f"{diagnostic.summary}{position}", diagnostic.detail, diagnostic.hint) if text
    )
    if diagnostic.code is Code.POLICY_DENIED:
        return Alert("Denied by a policy", text.replace(position, "", 1), grave=True)
    return Alert(
        f"{diagnostic.severity.value.capitalize()} {diagnostic.code.value}", text, diagnostic.severity is Severity.ERROR
    )


def _behind(behind: Behind | None) -> list[Alert]:
    if behind is None:
        return []
    listed = names(behind.addresses, _common_environment(behind.addresses), _NAMES)
    verb = "differs" if len(behind.addresses) == 1 else "differ"
    text = f"{behind.branch} has {count(behind.commits, 'commit')} that this branch lacks"
    text += f"; {listed} {verb} only for that reason" if listed else ""
    return [Alert("Your branch is behind", f"{text}. Update the branch.", grave=True)]


def _deletions(request: PullRequest) -> list[Alert]:
    apparent = set(request.behind.addresses) if request.behind is not None else set()
    listed_alerts = []
    for action, title in ((Action.DELETE, "Deletes"), (Action.DEACTIVATE, "Takes out of live")):
        removed = {step.address for step in request.plan.steps if step.action is action} - apparent
        if removed:
            listed_alerts.append(Alert(title, names(removed, _common_environment(removed), _NAMES), grave=True))
    return listed_alerts


def _common_environment(addresses: Iterable[Address]) -> str:
    environments = {address.environment for address in addresses}
    return environments.pop() if len(environments) == 1 else ""


def _stopped(stop: Stopped) -> Alert:
    text = f"{stop.address} was stopped by {stop.by} on {stop.since[:10]}: {stop.reason}"
    return Alert("Stopped", f"{text.rstrip('.')}. What changes there stays out of live until it is resumed.")


def _blocked(plan: Plan) -> list[Alert]:
    """Changed resources that are blocked; other blocked resources are listed below the steps."""
    changed = {step.address for step in plan.steps}
    listed_alerts = []
    for group in blocked_groups([item for item in plan.blocked if item.address in changed]):
        why = and_list(tuple(dict.fromkeys(obstacle.why for obstacle in group.obstacles)))
        listed = names(group.addresses, group.environment, _NAMES)
        listed_alerts.append(Alert("Blocked", f"{listed} {group.outcome}: {why}"))
    return listed_alerts


def resets(request: PullRequest) -> str:
    """``15 approvals given before no longer count``; empty where none is lost."""
    keys = {(reset.address, reset.aspect, reset.space) for step in request.plan.steps for reset in step.approvals_reset}
    return f"{count(len(keys), 'approval')} given before no longer count{'s' * (len(keys) == 1)}" if keys else ""


class Needed(NamedTuple):
    """Approvals that the same operators can give: ``what`` (``content on email``) of ``offers``.

    ``within``: how long they have after the apply; empty without a deadline.
    """

    who: tuple[str, ...]
    what: str
    offers: tuple[Address, ...]
    within: str = ""

    @property
    def by(self) -> str:
        """``brand or anna``."""
        return or_list(self.who) or "an unknown reviewer"

    @property
    def sentence(self) -> str:
        """``content on email of offers a and b, within 3d``."""
        within = f", within {self.within}" if self.within else ""
        about = ":" if self.what == Aspect.SETTINGS.value else " of"
        return f"{self.what}{about} {names(self.offers, _common_environment(self.offers), _NAMES)}{within}"


def needed(request: PullRequest) -> list[Needed]:
    """The pending approvals, grouped by reviewers and aspect."""
    offers_by_approval: dict[tuple[tuple[str, ...], str, str], list[Address]] = {}
    for row in request.approvals or ():
        if row.state == "waiting":
            offers_by_approval.setdefault((row.who, row.what, row.within), []).append(row.address)
    rows = [
        Needed(who, what, tuple(dict.fromkeys(offers)), within)
        for (who, what, within), offers in offers_by_approval.items()
    ]
    return sorted(rows, key=lambda entry: (entry.who, entry.what))


class ImpactRow(NamedTuple):
    """The impact of one offer on one space, in words; ``why``: examples."""

    space: str
    offer: str
    before: str
    gained: str
    lost: str
    moved: str
    why: str


def impact_rows(impact: Impact) -> list[ImpactRow]:
    """The offers of all spaces, those with the most changes first."""
    pairs = [(space, offer) for space in impact.spaces for offer in space.offers]
    pairs.sort(key=lambda pair: -(size(pair[1].gained) + size(pair[1].lost) + size(pair[1].moved)))
    rows = []
    for space, offer in pairs:
        sample = space.sample
        rows.append(
            ImpactRow(
                space=space.space,
                offer=offer.offer,
                before=number(offer.before, sample),
                gained=number(offer.gained, sample, "+"),
                lost=number(offer.lost, sample, "-"),
                moved=number(offer.moved, sample),
                why="; ".join(examples(offer)),
            )
        )
    return rows


def totals(steps: Iterable[Step]) -> str:
    """``1 to create, 3 to change``: the actions that occur."""
    found = [step.action for step in steps]
    return ", ".join(f"{found.count(action):,} to {verb}" for action, verb in VERBS.items() if action in found)


BOUND = (
    "Only a plan with this meaning is applied: every step, what it depends on and what is blocked. "
    "The impact is not bound: it was measured for this report, and contacts change."
)
"""What the meaning digest covers."""


def pull_request_json(request: PullRequest, _presentation: Presentation = PRESENTATION) -> str:
    """The whole as JSON, which :func:`pull_request_of` reads: no contact of a case, no secret. Ends with a newline."""
    shown = replace(request.plan, bodies={key: _shown(body) for key, body in request.plan.bodies.items()})
    data = plain_data(replace(request, plan=shown))
    return json_text({"format": FORMAT, "verdict": verdict(request), **data})


def _shown(body: Body) -> Body:
    if body.kind not in (Kind.CASES, Kind.DIMENSION):
        return body
    fields = redacted_fields(body.kind, orjson.loads(body.text))
    return Body(body.kind, orjson.dumps(fields, option=orjson.OPT_SORT_KEYS).decode())


def pull_request_of(content: bytes) -> PullRequest:
    """Read what :func:`pull_request_json` wrote. Show it, but decide nothing by it: it may be forged.

    ``artifact`` is dropped, since a forged one could link anywhere. Raises Refused for other content.
    """
    from pydantic import TypeAdapter, ValidationError

    try:
        data = orjson.loads(content) if len(content) <= MAX_BYTES else None
        if not isinstance(data, dict) or type(data.get("format")) is not int or _deeper(data, _DEPTH):
            raise _unreadable("it is not JSON of this kind")
        if data["format"] != FORMAT:
            raise _unreadable(f"it has format {data['format']}; this offerkit reads format {FORMAT}")
        made = TypeAdapter(PullRequest).validate_python({**data, "artifact": ""})
    except orjson.JSONDecodeError:
        raise _unreadable("it is not JSON") from None
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors(include_url=False)[0]["loc"])
        raise _unreadable(f"{where[:120]} is missing or of another type") from None
    odd = _odd(made)
    if odd:
        raise _unreadable(odd)
    return made


def _unreadable(why: str) -> Refused:
    return refuse(
        Code.PULL_REQUEST_UNREADABLE,
        f"what was planned for the pull request cannot be read: {why}",
        hint="Run “offerkit ci plan” again, with the same offerkit that reads it.",
    )


def _deeper(value: object, most: int) -> bool:
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(most == 0 or _deeper(item, most - 1) for item in items if isinstance(item, dict | list))


def _odd(request: PullRequest) -> str:
    """Why the content cannot be genuine; empty if it can."""
    for body in request.plan.bodies.values():
        try:
            fields = orjson.loads(body.text)
        except orjson.JSONDecodeError:
            return "a body is not JSON"
        if body.kind not in set(Kind) or not isinstance(fields, dict) or _deeper(fields, _DEPTH):
            return "a body is not one of a resource"
    if request.impact is not None and not all(map(_possible, request.impact.spaces)):
        return "its numbers of contacts cannot be"
    if any(type(step.address) is not Address for step in request.plan.steps):
        return "a step has no address"
    return ""


def _possible(space: SpaceImpact) -> bool:
    """Whether the numbers of a space are possible numbers of contacts."""
    counted = [space.changed, space.emptied, space.served]
    for offer in space.offers:
        counted += [offer.before, offer.gained, offer.lost, offer.moved]
    for _, segments in space.segments:
        for part in segments:
            counted += [part.contacts, part.changed, part.gained, part.lost, part.emptied]
    most = _MOST
    if space.sample is not None:
        most = space.sample.contacts
        if not 0 < most <= space.sample.population <= _MOST:
            return False
    limit = space.max_lost.removesuffix("%").replace(".", "", 1)
    digits = len(limit) <= 12 and (not space.max_lost or (limit.isascii() and limit.isdecimal()))
    return digits and all(0 <= size(found) <= most for found in counted) and 0 <= size(space.contacts) <= _MOST
