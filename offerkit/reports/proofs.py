"""Proofs in every format: in a plan, a difference, a pull request, and on their own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import NamedTuple

from offerkit.address import Address
from offerkit.fingerprint import Json, JsonMap
from offerkit.prove.result import Comparison, Verdict
from offerkit.reports.escape import json_text, visible
from offerkit.reports.proof_words import (
    StatedChange,
    StatedProofs,
    StatedReading,
    StatedWitness,
    json_witness,
    moment_text,
    stated_conditions,
)
from offerkit.reports.steps_markdown import MARKDOWN, Room
from offerkit.reports.style import PRESENTATION, Layout, Presentation, Style, indented
from offerkit.reports.templating import call, fill
from offerkit.reports.words import count, names

TITLE = "Proofs"
LIMITS = "Ranking, presentation rules (caps) and hooks are not proved: eligible is not yet proposed."
"""What every report of proofs says."""
NOTHING = "Nothing changes who can be eligible."
_SIGNS = {
    Verdict.SAME: "=",
    Verdict.FEWER: "-",
    Verdict.MORE: "+",
    Verdict.BOTH: "±",
    Verdict.NOBODY: "!",
    Verdict.EVERYBODY: "*",
    Verdict.NOT_DECIDED: "?",
}
_SUBJECT, _SENTENCE, _CONDITION, _SPACE_LISTS = 300, 500, 200, 3


def told(proofs: StatedProofs | None) -> bool:
    """Whether there is anything to tell."""
    return proofs is not None and bool(proofs.changes or proofs.notes or proofs.missing or proofs.narrowing)


def remarks(proofs: StatedProofs, layout: Layout) -> list[str]:
    """What was not tried, and what a rule on narrowing would have decided, one sentence or two each."""
    return [*(note for _, note in proofs.notes), *_narrowing(proofs, layout)]


def _narrowing(proofs: StatedProofs, layout: Layout) -> Iterator[str]:
    if not proofs.narrowing:
        return
    through = [offer for offer, obstacle in proofs.narrowing if not obstacle]
    by_obstacle: dict[str, list[Address]] = {}
    for offer, obstacle in proofs.narrowing:
        if obstacle:
            by_obstacle.setdefault(obstacle, []).append(offer)
    kept = [f"{names(offers, '', layout.names)} ({obstacle})" for obstacle, offers in by_obstacle.items()]
    text = "Of the offers that wait for an approval, a rule “narrowing needs no approval” would have let through"
    text += f" {names(through, '', layout.names) or 'none'}"
    text += f", and kept back {'; '.join(kept)}" if kept else ""
    yield f"{text}. There is no such rule: nothing goes live because of a proof."


def heading(proofs: StatedProofs) -> str:
    """What is proved of how much, and at which moments."""
    conditions = sum(len(change.conditions) for change in proofs.changes)
    offers = len({offer.offer for change in proofs.changes for offer in change.offers})
    parts = [count(conditions, "condition")] if conditions else []
    parts += [count(offers, "offer")] if offers else []
    return f"{' and '.join(parts)}, for every contact there can be"


def clock(proofs: StatedProofs) -> str:
    """The readings of the clock that hold where no other moment is named."""
    moments = {(at, zone) for _, at, zone in proofs.moments}
    if len(moments) == 1:
        text = "{} ({})".format(*moments.pop())
    else:
        text = ", ".join(f"{at} ({zone}) in {name}" for name, at, zone in proofs.moments)
    return f"At {text}, and at every moment from then on, unless a sentence names its moment."


def proofs_text(proofs: StatedProofs | None, style: Style, layout: Layout) -> str:
    """The section of a report on a terminal; empty where there is nothing to tell."""
    if not told(proofs):
        return ""
    assert proofs is not None
    if proofs.missing:
        return "\n".join(style.dim(row) for row in indented("", visible(proofs.missing), layout.width))
    rows = [style.bold(f"{TITLE} · {heading(proofs)}" if proofs.changes else TITLE)]
    if proofs.changes:
        rows += [style.dim(row) for row in indented("  ", f"{clock(proofs)} {LIMITS}", layout.width)]
    for change in proofs.changes[: layout.limit]:
        rows += ["", *_change_rows(change, style, layout)]
    if (more := len(proofs.changes) - layout.limit) > 0:
        rows += [style.dim(f"    … and {count(more, 'other answer')}")]
    for remark in remarks(proofs, layout):
        rows += ["", *indented("  · ", visible(remark), layout.width)]
    return "\n".join(rows)


def _change_rows(change: StatedChange, style: Style, layout: Layout) -> Iterator[str]:
    head = " · ".join(filter(None, [change.verdict, layout.clipped(subject(change, layout), _SUBJECT)]))
    sign = sign_of(change)
    for row in indented(f"    {sign} ", visible(head), layout.width):
        yield style.mark("~" if sign in "±!?" else sign, row)
    for sentence in change.sentences:
        yield from indented("        ", visible(layout.clipped(sentence, _SENTENCE)), layout.width)


def sign_of(change: StatedChange) -> str:
    """The sign of a verdict; of two different ones ``±``."""
    if change.now.verdict != change.later.verdict:
        return "±"
    return _SIGNS[Verdict(change.now.verdict)] if change.now.verdict in {*Verdict} else "?"


def subject(change: StatedChange, layout: Layout) -> str:
    """What an answer holds for: ``offers a and b on email; recipients/offer.a › eligible.when``."""
    by_spaces: dict[tuple[str, ...], list[Address]] = {}
    for offer in change.offers:
        by_spaces.setdefault(offer.spaces, []).append(offer.offer)
    if len(by_spaces) > _SPACE_LISTS:
        every = sorted({space for spaces in by_spaces for space in spaces})
        by_spaces = {("some of", *every): [offer.offer for offer in change.offers]}
    parts = [
        f"{names(offers, change.environment, layout.names)} on {_listed(spaces)}"
        for spaces, offers in by_spaces.items()
    ]
    shown = [f"{address} › {path}" for address, path in change.conditions[: layout.names]]
    if (more := len(change.conditions) - len(shown)) > 0:
        shown.append(f"{count(more, 'other condition')}")
    return "; ".join([*shown, *parts])


def _listed(spaces: Sequence[str]) -> str:
    first, *others = spaces
    return f"{first} {', '.join(others)}" if first == "some of" else ", ".join(spaces)


def proofs_markdown(proofs: StatedProofs | None, layout: Layout, room: Room) -> str:
    """The section of a comment, as far as there is room; empty where there is nothing to tell."""
    if not told(proofs):
        return ""
    assert proofs is not None
    if proofs.missing:
        line = call("proofs.md", "clock", proofs.missing)
        return line if room.take(line) else ""
    head = call("proofs.md", "head", f"{TITLE}: {heading(proofs)}" if proofs.changes else TITLE)
    rows = [call("proofs.md", "clock", f"{clock(proofs)} {LIMITS}")] if proofs.changes else []
    if not room.take("\n\n".join([head, *rows]), 100):
        return ""
    shown: list[str] = []
    for position, change in enumerate(proofs.changes):
        sentences = [layout.clipped(sentence, _SENTENCE) for sentence in change.sentences]
        row = call("proofs.md", "change", change.verdict, layout.clipped(subject(change, layout), _SUBJECT), sentences)
        if position >= layout.limit or not room.take(row, 100):
            shown.append(f"- … and {count(len(proofs.changes) - position, 'other answer')}")
            break
        shown.append(row)
    notes = [call("proofs.md", "note", layout.clipped(remark, _SENTENCE)) for remark in remarks(proofs, layout)]
    notes = [note for note in notes[: layout.names] if room.take(note)]
    return "\n\n".join(filter(None, [head, *rows, "\n".join(shown), "\n".join(notes)]))


class ProofView(NamedTuple):
    """What a page shows of one answer."""

    sign: str
    verdict: str
    subject: str
    sentences: Sequence[str]


class ProofsView(NamedTuple):
    """What a section of a page shows of proofs."""

    title: str
    clock: str
    changes: Sequence[ProofView]
    more: str
    notes: Sequence[str]
    missing: str


def proofs_view(proofs: StatedProofs | None, layout: Layout) -> ProofsView | None:
    """The section of a page; None where there is nothing to tell."""
    if not told(proofs):
        return None
    assert proofs is not None
    shown = proofs.changes[: layout.limit]
    more = len(proofs.changes) - len(shown)
    return ProofsView(
        f"{TITLE}: {heading(proofs)}" if proofs.changes else TITLE,
        f"{clock(proofs)} {LIMITS}" if proofs.changes else "",
        [ProofView(sign_of(change), change.verdict, subject(change, layout), change.sentences) for change in shown],
        count(more, "other answer") if more else "",
        remarks(proofs, layout),
        proofs.missing,
    )


def proofs_html(proofs: StatedProofs | None, layout: Layout) -> str:
    """The section of a page, as HTML; empty where there is nothing to tell."""
    return call("proofs.html", "proofs_section", proofs_view(proofs, layout))


def proofs_data(proofs: StatedProofs) -> Json:
    """As JSON: each answer with both readings of the clock; ``gained`` and ``lost`` are none, some or undecided."""
    return {
        "moments": [{"environment": name, "at": at, "time_zone": zone} for name, at, zone in proofs.moments],
        "changes": [_data(change) for change in proofs.changes],
        "notes": [note for _, note in proofs.notes],
        "narrowing": [{"offer": offer, "obstacle": obstacle or None} for offer, obstacle in proofs.narrowing],
    }


def _data(change: StatedChange) -> Json:
    return {
        "environment": change.environment,
        "verdict": change.verdict,
        "sentences": list(change.sentences),
        "conditions": [{"address": address, "path": path} for address, path in change.conditions],
        "offers": [
            {"offer": offer.offer, "spaces": list(offer.spaces), "edited": offer.edited} for offer in change.offers
        ],
        "at": change.at,
        "now": _reading_data(change.now),
        "later": _reading_data(change.later),
    }


def _reading_data(reading: StatedReading) -> JsonMap:
    """One reading of the clock: of two states and of two conditions alike."""
    return {
        "verdict": reading.verdict,
        "gained": reading.gained,
        "lost": reading.lost,
        "witnesses": {"gained": json_witness(reading.gained_witness), "lost": json_witness(reading.lost_witness)},
        "moments": {"gained": _moment(reading.gained_witness), "lost": _moment(reading.lost_witness)},
        "why": reading.why,
    }


def _moment(witness: StatedWitness | None) -> str | None:
    return None if witness is None else witness.moment


def stated_text(proofs: StatedProofs, presentation: Presentation = PRESENTATION) -> str:
    """Proofs on their own, as text. Ends with a newline."""
    style = presentation.style
    return style.finish((proofs_text(proofs, style, presentation.layout) or NOTHING) + "\n")


def stated_markdown(proofs: StatedProofs, presentation: Presentation = MARKDOWN) -> str:
    """Proofs on their own, as Markdown of at most the limit's bytes. Ends with a newline."""
    return (proofs_markdown(proofs, presentation.layout, Room(presentation.limit - 100)) or NOTHING) + "\n"


def stated_html(proofs: StatedProofs, presentation: Presentation = PRESENTATION) -> str:
    """Proofs on their own, as one self-contained HTML page."""
    return fill("proofs_page.html", title=TITLE, nothing=NOTHING, proofs=proofs_view(proofs, presentation.layout))


def stated_json(proofs: StatedProofs, _presentation: Presentation = PRESENTATION) -> str:
    """:func:`proofs_data` as text. Ends with a newline."""
    return json_text(proofs_data(proofs))


@dataclass(frozen=True)
class ComparedConditions:
    """Two conditions of an environment compared; ``zone``: its time zone, on whose clock the moments are."""

    environment: str
    before: str
    after: str
    zone: tzinfo
    comparison: Comparison

    @property
    def stated(self) -> StatedProofs:
        """The comparison in words."""
        change = stated_conditions(self.environment, self.comparison, self.zone)
        return StatedProofs((change,), ((self.environment, moment_text(self.comparison.at), str(self.zone)),))


def compared_text(compared: ComparedConditions, presentation: Presentation = PRESENTATION) -> str:
    """Two conditions, and what one in place of the other means. Ends with a newline."""
    style, layout = presentation.style, presentation.layout
    proofs = compared.stated
    rows = [
        f"{compared.environment}: {visible(layout.clipped(compared.before, _CONDITION))}",
        f"{' ' * len(compared.environment)}→ {visible(layout.clipped(compared.after, _CONDITION))}",
        "",
        *(style.dim(row) for row in indented("", f"{clock(proofs)} {LIMITS}", layout.width)),
        "",
        *_change_rows(proofs.changes[0], style, layout),
    ]
    return style.finish("\n".join(rows) + "\n")


def compared_json(compared: ComparedConditions, _presentation: Presentation = PRESENTATION) -> str:
    """Both readings as JSON: the one at the moment at the top, the other as ``later``. Ends with a newline."""
    (change,) = compared.stated.changes
    now, later = ({**_reading_data(reading), "at": change.at} for reading in (change.now, change.later))
    return json_text({"environment": compared.environment, **now, "later": later})
