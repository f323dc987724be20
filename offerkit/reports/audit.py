"""What an audit proves, and what an exported history holds, as text and JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from offerkit.governance.anchors import AcceptedLoss
from offerkit.reports.escape import clip, json_text, visible
from offerkit.reports.style import PRESENTATION, Presentation, indented
from offerkit.reports.words import count

_DIGEST = 12
_LISTED = 200
"""Offers of an environment that are listed in text."""


@dataclass(frozen=True)
class VerifiedStore:
    """A store that was verified: its revisions, the last digest (empty without revisions), its tokens and format.

    ``tokens``: None for a server's history, which has no tokens. ``signatures``: how many revisions are signed.
    ``anchors``: how many were compared with the history. ``judged``: how many of the revisions changed live, and were
    judged again. ``unprovable``: what a history cannot prove, a clause each. ``accepted``: lost anchors that it
    accepts.
    """

    revisions: int
    digest: str
    tokens: int | None
    format: int
    signatures: int = 0
    anchors: int = 0
    judged: int = 0
    unprovable: Sequence[str] = ()
    accepted: Sequence[AcceptedLoss] = ()


@dataclass(frozen=True)
class VerifiedRecord:
    """An exported history that was verified.

    ``digest``: of the last revision; ``sha256``: of the file's bytes before its end. ``judged``: how many of its
    revisions changed live, and were judged again. ``unprovable``: what it cannot prove, a clause each. ``signatures``:
    how many revisions are signed. ``anchors``: how many anchors were compared with it. ``accepted``: lost anchors that
    the history accepts.
    """

    file: str
    project: str
    revisions: int
    bodies: int
    digest: str
    sha256: str
    judged: int
    unprovable: Sequence[str]
    signatures: int = 0
    anchors: int = 0
    accepted: Sequence[AcceptedLoss] = ()


@dataclass(frozen=True)
class AnchoredRevision:
    """A revision that is anchored: where it was written now, and where it was before; what it accepts, if anything."""

    revision: int
    digest: str
    written: Sequence[str] = ()
    held: Sequence[str] = ()
    accepted: AcceptedLoss | None = None


@dataclass(frozen=True)
class RecordedLine:
    """A revision in short."""

    revision: int
    time: str
    action: str
    actor: str
    message: str
    digest: str

    @property
    def sentence(self) -> str:
        """``revision 5, promote by omar at 2026-03-01T06:00:00Z``."""
        return f"revision {self.revision}, {self.action} by {self.actor} at {self.time}"


@dataclass(frozen=True)
class RecordOverview:
    """What an exported history holds as a whole.

    ``actions``: how many revisions of each kind. ``live``: offers that are live at its end, by environment.
    """

    file: str
    project: str
    revisions: int
    bodies: int
    digest: str
    first: RecordedLine | None
    last: RecordedLine | None
    actions: Mapping[str, int]
    live: Mapping[str, int]
    stopped: Sequence[str]


@dataclass(frozen=True)
class OfferThen:
    """An offer that was live, on which spaces, and by which revision it was so."""

    address: str
    label: str
    spaces: Sequence[str]
    fingerprint: str
    since: RecordedLine


@dataclass(frozen=True)
class EnvironmentThen:
    """What an environment had live, and by which revision; None before its first."""

    environment: str
    revision: RecordedLine | None
    spaces: Sequence[str]
    offers: Sequence[OfferThen]


@dataclass(frozen=True)
class StoppedThen:
    """What was stopped, by whom, why and since when."""

    address: str
    operator: str
    reason: str
    since: str
    revision: int


@dataclass(frozen=True)
class LiveThen:
    """What was live at a time, by an exported history; ``revision``: the last one then."""

    file: str
    at: str
    revision: RecordedLine | None
    environments: Sequence[EnvironmentThen]
    stopped: Sequence[StoppedThen]


def verified_store_text(verified: VerifiedStore, presentation: Presentation = PRESENTATION) -> str:
    """What was verified, and what no history can prove. Ends with a newline."""
    style, width = presentation.style, presentation.layout.width
    text = f"The history is sound: {count(verified.revisions, 'revision')}"
    text += f", the last one {verified.digest}." if verified.digest else "."
    tokens = verified.tokens
    text += f"\nAlso checked: the schema of format {verified.format}"
    text += f", {count(verified.signatures, 'signature')}" if verified.signatures else ""
    text += f", {count(verified.anchors, 'anchor')}" if verified.anchors else ""
    text += f", {count(tokens, 'token')}" if tokens is not None else "; not the tokens, which stay on the server"
    lines = [style.green(f"{text}; {_judged(verified.judged)}.")]
    lines += [*_accepted(verified.accepted, presentation), *_unprovable(verified.unprovable, width)]
    return style.finish("\n".join(lines) + "\n")


def _accepted(losses: Sequence[AcceptedLoss], presentation: Presentation) -> list[str]:
    """Which lost anchors were accepted, by whom and why: it is shown whenever the history is verified."""
    style, width, lines = presentation.style, presentation.layout.width, []
    for loss in losses:
        serials = sorted({anchor.revision for anchor in loss.anchors})
        few = f" of revision {serials[0]}" if serials else ""
        of = f" of revisions {serials[0]} to {serials[-1]}" if len(serials) > 1 else few
        who = f"by {loss.operator} in revision {loss.revision} at {loss.time[:19]}Z: {loss.reason}"
        text = f"{count(len(loss.anchors), 'anchor')}{of}, {who}"
        lines += [style.yellow(row) for row in indented("Lost, and accepted: ", visible(text), width)]
    return lines


def _judged(live: int) -> str:
    return f"{count(live, 'change')} of live judged again by the approvals before it"


def _unprovable(clauses: Sequence[str], width: int) -> list[str]:
    head = ["It cannot prove"] if clauses else []
    return [*head, *(row for clause in clauses for row in indented("  · ", clause, width))]


def verified_store_json(verified: VerifiedStore, _presentation: Presentation = PRESENTATION) -> str:
    """The same as JSON. Ends with a newline."""
    return json_text(asdict(verified))


def anchored_text(anchored: AnchoredRevision, presentation: Presentation = PRESENTATION) -> str:
    """Where the revision is anchored, a place on a line. Ends with a newline."""
    style = presentation.style
    lines = [f"Revision {anchored.revision}, {anchored.digest[:_DIGEST]}:"]
    lines += [style.green(f"  written to {visible(name)}") for name in anchored.written]
    lines += [f"  in {visible(name)} already" for name in anchored.held]
    lines += _accepted([anchored.accepted], presentation) if anchored.accepted is not None else []
    return style.finish("\n".join(lines) + "\n")


def anchored_json(anchored: AnchoredRevision, _presentation: Presentation = PRESENTATION) -> str:
    """The same as JSON. Ends with a newline."""
    return json_text(asdict(anchored))


def verified_record_text(verified: VerifiedRecord, presentation: Presentation = PRESENTATION) -> str:
    """What was proved, and what an export cannot prove. Ends with a newline."""
    style, width = presentation.style, presentation.layout.width
    text = f"The record is sound: {count(verified.revisions, 'revision')}"
    text += f", the last one {verified.digest}." if verified.revisions else "."
    lines = [
        style.green(text),
        style.green(
            f"Also checked: {count(verified.bodies, 'body', 'bodies')}, the state of every stage, the end of the file;"
            f" {_judged(verified.judged)}"
            + (f"; {count(verified.signatures, 'signature')}" if verified.signatures else "")
            + (f"; {count(verified.anchors, 'anchor')}." if verified.anchors else ".")
        ),
        f"Project {visible(verified.project)}, SHA-256 of the lines {verified.sha256}.",
        *_accepted(verified.accepted, presentation),
        *_unprovable(verified.unprovable, width),
    ]
    return style.finish("\n".join(lines) + "\n")


def verified_record_json(verified: VerifiedRecord, _presentation: Presentation = PRESENTATION) -> str:
    """The same as JSON. Ends with a newline."""
    return json_text(asdict(verified))


def overview_text(overview: RecordOverview, presentation: Presentation = PRESENTATION) -> str:
    """What the record holds, a fact on a line. Ends with a newline."""
    style = presentation.style
    actions = ", ".join(f"{number:,} {visible(clip(action, 40))}" for action, number in overview.actions.items())
    live = ", ".join(f"{visible(name)}: {count(number, 'offer')}" for name, number in overview.live.items())
    facts = (
        ("Project", overview.project),
        ("Revisions", f"{overview.revisions:,}" + (f" ({actions})" if actions else "")),
        ("Bodies", f"{overview.bodies:,}"),
        ("First", overview.first.sentence if overview.first else ""),
        ("Last", overview.last.sentence if overview.last else ""),
        ("Live at its end", live),
        ("Stopped at its end", ", ".join(overview.stopped[:20]) + (" …" if len(overview.stopped) > 20 else "")),
        ("Last digest", overview.digest),
    )
    lines = [style.bold(visible(overview.file))]
    lines += [f"  {name + ':':<20}{visible(text)}" for name, text in facts if text]
    lines += ["", "Its digests are right. Whether its promotions were covered: offerkit audit verify FILE"]
    return style.finish("\n".join(lines) + "\n")


def overview_json(overview: RecordOverview, _presentation: Presentation = PRESENTATION) -> str:
    """The same as JSON. Ends with a newline."""
    return json_text(asdict(overview))


def live_then_text(then: LiveThen, presentation: Presentation = PRESENTATION) -> str:
    """What was live, environment by environment. Ends with a newline."""
    style, width = presentation.style, presentation.layout.width
    lines = [style.bold(f"Live after revision {then.at}" if then.at.isdecimal() else f"Live at {visible(then.at)}")]
    lines.append(
        f"The last revision then: {visible(then.revision.sentence)}." if then.revision else "There was no revision yet."
    )
    for state in then.environments:
        lines += ["", style.bold(visible(state.environment))]
        if state.revision is None:
            lines.append("  Nothing was live.")
            continue
        lines += [style.dim(row) for row in indented("  ", f"by {visible(state.revision.sentence)}", width)]
        lines += indented("  ", f"spaces: {visible(', '.join(state.spaces)) or 'none'}", width)
        for offer in state.offers[:_LISTED]:
            lines.append(f"  {visible(offer.address)}  {visible(clip(offer.label, 60))}".rstrip())
            lines += indented("    ", f"on {visible(', '.join(offer.spaces))}", width)
            beside = f"since {visible(offer.since.sentence)}; {offer.fingerprint[:_DIGEST]}"
            lines += [style.dim(row) for row in indented("    ", beside, width)]
        if more := len(state.offers) - _LISTED:
            lines += [f"  … {count(more, 'more offer')}; --format json lists all"] if more > 0 else []
        if not state.offers:
            lines.append("  No offer was live.")
    if then.stopped:
        lines += ["", style.bold("Stopped")]
    for stop in then.stopped:
        text = f"{stop.address}, by {stop.operator} at {stop.since[:19]}Z (revision {stop.revision}): {stop.reason}"
        lines += [style.yellow(row) for row in indented("  ", visible(text), width)]
    return style.finish("\n".join(lines) + "\n")


def live_then_json(then: LiveThen, _presentation: Presentation = PRESENTATION) -> str:
    """The same as JSON, with all offers. Ends with a newline."""
    return json_text(asdict(then))
