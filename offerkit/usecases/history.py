"""``history``: the revisions, and the details of one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from offerkit.address import Address, Kind, parse_address, parse_stage
from offerkit.diagnostics import Code, and_list, refuse, suggestion
from offerkit.fingerprint import Json
from offerkit.governance.approvals import Approval
from offerkit.governance.authors import authors_in
from offerkit.governance.overrides import overrides_in
from offerkit.governance.signatures import DETAIL
from offerkit.plans.make import StepContext, steps_for
from offerkit.plans.plan import ApprovalKey, Aspect, Step
from offerkit.reports.history import HistoryLine, RevisionPatch
from offerkit.reports.impact_record import RecordedSpace, overridden, recorded
from offerkit.reports.words import DONE, count, listing
from offerkit.state.changes import Body
from offerkit.store import ChangeRow, RevisionRow, Store, scheduled
from offerkit.store.contact_data import ERASE, erased_in
from offerkit.store.rows import deltas_of
from offerkit.store.stage_snapshots import StoredBodies
from offerkit.store.tokens import TokenEvent, events
from offerkit.usecases.argument_values import shown_time
from offerkit.usecases.history_filters import HistoryFilter, narrowed

_MEANING = 14
"""How many characters of a plan's meaning to show: its scheme and the start of the digest."""


_NAMED = 3
"""How many offers, and spaces of each, a summary of decisions names."""

REVIEW_DETAIL = "relay"
"""The key in a revision's details for the review that it records as an approval."""


def history(
    store: Store,
    stage: str,
    address: str,
    limit: int,
    asked: HistoryFilter = HistoryFilter(),  # noqa: B008 - frozen
    *,
    now: str = "",
    patch: bool = False,
) -> list[HistoryLine]:
    """The revisions that touched a stage or an address (empty: all), newest first, as far as ``asked`` selects them.

    ``patch``: with the differences of the bodies that each changed.
    """
    if stage:
        try:
            ref = parse_stage(stage)
        except ValueError as error:
            raise refuse(Code.BAD_POINT, str(error)) from None
        stage = ref.on(ref.stage)
        if stage not in store.heads():
            raise refuse(Code.BAD_POINT, f"there is no stage {stage}", hint=suggestion(stage, store.heads()))
    if address:
        try:
            address = parse_address(address)
        except ValueError as error:
            raise refuse(Code.BAD_ADDRESS, str(error)) from None
    rows = store.revisions(stage=stage, address=address, limit=0 if asked.narrows else limit)
    if asked.narrows:
        rows = narrowed(store, rows, asked, now)[: limit or None]
    decisions = _decisions(store, rows)
    lines = [_line(store, row, decisions.get(row.serial, ())) for row in rows]
    return [replace(line, patch=_patch(store, line.serial)) for line in lines] if patch else lines


def _patch(store: Store, serial: int) -> RevisionPatch:
    """What a revision changed, as steps with their bodies."""
    bodies = StoredBodies(store)
    deltas = deltas_of(store.changes(serial))
    bodies.fetch(entry.fingerprint for d in deltas for entry in (d.before, d.after) if entry is not None)
    return RevisionPatch(steps_for(deltas, StepContext(bodies, {}, {})), bodies)


def _line(store: Store, row: RevisionRow, approvals: Sequence[Approval]) -> HistoryLine:
    decided = _decided(approvals)
    changes = store.changes(row.serial)
    stages = tuple(sorted({change.stage for change in changes}))
    tokens = _tokens(row)
    changed = _summary(changes)
    summary = changed or decided or "; ".join(map(_token_words, tokens)) or _scheduled(store, row) or _erased(row)
    if row.action == "stop" and changed and decided:
        summary = f"{decided}: {changed}"
    lifted = list(overrides_in(row.details, row.actor, row.message, row.serial))
    if lifted:
        summary = summary or count(len(lifted), "override")
    granted = "; ".join(f"Overridden: {lifting.says} ({lifting.address})" for lifting in lifted)
    override = (overridden(row.details), _brought_back(row), _not_as_read(row), _lifted(row), granted)
    time = row.time[:19] + "Z"
    read, meaning, number = _read(row)
    review = _review(row)
    authors, commit = _written(row)
    return HistoryLine(
        serial=row.serial,
        time=time,
        actor=row.actor,
        action=row.action,
        stages=stages,
        summary=summary,
        message=row.message,
        digest=row.digest,
        override="; ".join(filter(None, override)),
        tokens=tuple(map(_token_facts, tokens)),
        authors=authors,
        commit=commit,
        read=read or (f"approved by {review.get('reviewer')}: {review_words(row)}" if review else ""),
        meaning=meaning,
        pull_request=number,
        review=review,
        decisions=tuple(approvals),
        signed=signing_key(row),
    )


def signing_key(row: RevisionRow) -> str:
    """The key with which a revision was signed, or empty; an audit says whether the signature counts."""
    signature = row.details.get(DETAIL)
    return str(signature.get("key", "")) if isinstance(signature, dict) else ""


def _scheduled(store: Store, row: RevisionRow) -> str:
    """What a revision schedules, or ends of what was scheduled, in words; empty if it is about neither."""
    promotion = scheduled.recorded(row)
    if promotion is not None:
        due = shown_time(store, promotion.environments, promotion.due)
        return f"for {due}: {count(promotion.steps, 'change')}"
    ended = row.details.get(scheduled.ENDED)
    return f"what revision {ended} scheduled" if isinstance(ended, int) else ""


def _brought_back(row: RevisionRow) -> str:
    """Text about withdrawn offers that a rollback brought back."""
    withdrawn = row.details.get("withdrawn")
    if not isinstance(withdrawn, dict) or not withdrawn:
        return ""
    return "Brought back although withdrawn: " + "; ".join(
        f"{offer} ({why})" for offer, why in sorted(withdrawn.items())
    )


def _lifted(row: RevisionRow) -> str:
    """Text about the overrides that let a promotion through a freeze, or outside of a window."""
    sentences = row.details.get("lifted")
    return "; ".join(map(str, sentences)) if isinstance(sentences, list) else ""


def _not_as_read(row: RevisionRow) -> str:
    """Text about a plan that was applied although it differs from what was read."""
    allowed = row.details.get("allowed")
    return f"Applied although it differs from what was read: {allowed}" if isinstance(allowed, str) and allowed else ""


_COUNTED = {"propositions": "proposition", "evidence": "evidence record", "cookies": "cookie"}


def _erased(row: RevisionRow) -> str:
    """How much of a contact was erased, in words; empty for other revisions."""
    parts = [
        f"{count(number, _COUNTED.get(what, what))} of {environment}"
        for environment, counts in erased_in(row).items()
        for what, number in counts.items()
        if number
    ]
    if parts or row.action != ERASE:
        return f"a contact: {and_list(parts)}" if parts else ""
    return "a contact, in files" if "files" in row.details else "a contact of whom nothing was stored"


def _read(row: RevisionRow) -> tuple[str, str, int]:
    """Whether and where the applied plan was read, in words; its meaning; the pull request's number, or 0."""
    meaning, number = row.details.get("meaning"), row.details.get("pull_request")
    if not isinstance(meaning, str):
        return "", "", 0
    number = number if type(number) is int else 0
    where = f" in pull request {number}" if number else ""
    how = "not as read" if row.details.get("allowed") else "as read"
    return f"{how}{where}: meaning {meaning[:_MEANING]}", meaning, number


def _review(row: RevisionRow) -> Mapping[str, Json]:
    """The review that a revision records as an approval, or empty."""
    review = row.details.get(REVIEW_DETAIL)
    return review if isinstance(review, dict) and row.action == "approve" else {}


def review_words(row: RevisionRow) -> str:
    """The review that a revision records as an approval, in words; empty if it records none."""
    review = _review(row)
    if not review:
        return ""
    return f"review {review.get('review')} of pull request {review.get('pull_request')} ({review.get('forge')})"


def _written(row: RevisionRow) -> tuple[tuple[str, ...], str]:
    """The authors of a revision, unless the actor is the only one, and the applied commit."""
    authors, commit = authors_in(row), row.details.get("commit")
    return () if authors == (row.actor,) else authors, commit if isinstance(commit, str) else ""


@dataclass(frozen=True)
class RevisionDetails:
    """One revision: its changes as steps with ``bodies``, its decisions and its impact.

    ``unmeasured``: environments whose contacts could not be read.
    """

    line: HistoryLine
    steps: Sequence[Step]
    bodies: Mapping[str, Body]
    approvals: list[Approval]
    impact: list[RecordedSpace]
    unmeasured: list[str]


def revision_details(store: Store, serial: int) -> RevisionDetails:
    """The revision ``serial``. Raises Refused if it does not exist."""
    row = store.revision(serial)
    if row is None:
        raise refuse(Code.BAD_POINT, f"there is no revision {serial}", hint=f"The last one is {store.last_serial()}.")
    patch = _patch(store, serial)
    approvals = [approval for approval in store.approvals() if approval.revision == serial]
    line = _line(store, row, _decisions(store, [row]).get(serial, ()))
    return RevisionDetails(line, patch.steps, patch.bodies, approvals, *recorded(row.details))


def _tokens(row: RevisionRow) -> tuple[TokenEvent, ...]:
    try:
        return tuple(events(row.action, row.details))
    except ValueError:  # edited; an audit reports it
        return ()


def _token_facts(token: TokenEvent) -> dict[str, str]:
    names = ("id", "operator", "name", "scope", "created", "created_by", "expires", "revoked")
    return {name: str(getattr(token, name)) for name in names}


def _token_words(token: TokenEvent) -> str:
    text = f"token {token.id} of {token.operator}, for {token.scope.replace(',', ', ')}, until {token.expires[:10]}"
    return f"{text}: {token.name}" if token.name else text


def _summary(changes: Sequence[ChangeRow]) -> str:
    counts = Counter(change.action for change in changes)
    return ", ".join(f"{counts[action]:,} {word}" for action, word in DONE.items() if counts[action])


def _decisions(store: Store, rows: list[RevisionRow]) -> dict[int, list[Approval]]:
    """By revision, its approvals, rejections, stops or resumptions."""
    serials = {row.serial for row in rows if row.action in ("approve", "reject", "stop", "resume")}
    by_revision: dict[int, list[Approval]] = {}
    for approval in store.approvals() if serials else ():
        if approval.revision in serials:
            by_revision.setdefault(approval.revision, []).append(approval)
    return by_revision


def _decided(approvals: Sequence[Approval]) -> str:
    """``approved eligibility and content of gold-card on email``: what was decided, of a few offers by name."""
    named = [row.key.address for row in approvals if row.key.aspect is Aspect.STOP and not row.key.space]
    if named:
        more = f" and {len(named) - 1} more" if len(named) > 1 else ""
        return f"{approvals[0].decision} {named[0]}{more}"
    keys: dict[Address, list[ApprovalKey]] = {}
    for row in approvals:
        keys.setdefault(row.key.address, []).append(row.key)
    alike: dict[tuple[str, str], list[str]] = {}
    for address, own in list(keys.items())[:_NAMED]:
        alike.setdefault(_what(own), []).append(_name(address))
    parts = [f"{what} of {', '.join(names)}{on}" for (what, on), names in alike.items()]
    more = f" and {count(len(keys) - _NAMED, 'other')}" if len(keys) > _NAMED else ""
    return f"{approvals[0].decision} {'; '.join(parts)}{more}" if approvals else ""


def _what(keys: Sequence[ApprovalKey]) -> tuple[str, str]:
    """``eligibility and content``, `` on email, web-home``."""
    aspects = and_list(tuple(dict.fromkeys(key.aspect.value for key in keys)))
    spaces = [key.space for key in keys if key.space]
    return aspects, f" on {listing(spaces, _NAMED)}" if spaces else ""


def _name(address: Address) -> str:
    return address.name if address.kind is Kind.OFFER else f"{address.kind} {address.name}"
