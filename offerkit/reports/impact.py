"""The impact of a plan on contacts as text, JSON and HTML; Markdown has its own module."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any, NamedTuple

from offerkit.diagnostics import Code, or_list
from offerkit.engine.counts import Count, is_exact, said, share, size
from offerkit.engine.estimate import Sample, estimate, percent
from offerkit.engine.impact import FailedHook, Impact, OfferImpact, Segment, SpaceImpact
from offerkit.reports.escape import clip, json_text, visible
from offerkit.reports.style import PRESENTATION, Presentation, Style, display_width, indented, pad
from offerkit.reports.templating import call
from offerkit.reports.words import listing


def heading(impact: Impact) -> str:
    """What is compared."""
    return f"{impact.n} for each contact · {impact.before} → {impact.after}"


def number(count: Count, sample: Sample | None, sign: str = "") -> str:
    """A count, estimated if it is of a sample: ``1,204``, ``+1,204``, ``about 1,200``, ``≈1,204 ±98``."""
    if sample is None:
        return said(count, sign)
    interval = estimate(size(count), sample)
    return f"≈{sign if interval.value else ''}{interval.value:,} ±{interval.margin:,}"


def changed_sentence(space: SpaceImpact) -> str:
    """How many get other offers."""
    part = _part(space.changed, space.counted, space.sample)
    return f"{number(space.changed, space.sample)} of {said(space.contacts)} contacts{part} get other offers"


def _part(count: Count, of: Count, sample: Sample | None) -> str:
    """A share in parentheses; empty where it cannot be told."""
    text = share(count, of) if not is_exact(of) else percent(size(count), size(of), sample)
    return f" ({text})" if text else ""


def emptied_sentence(space: SpaceImpact) -> str:
    """How many are left without an offer, and how many may be; empty when that says nothing."""
    if not space.emptied and not space.max_lost:
        return ""
    part = _part(space.emptied, space.served, space.sample) if space.served else ""
    of = f" of {number(space.served, space.sample)} with an offer before{part}"
    sentence = f"{number(space.emptied, space.sample)}{of} are left without an offer"
    if space.exceeds:
        return f"{sentence}, more than the {space.max_lost} that a promotion may take"
    return f"{sentence}; a promotion may take {space.max_lost}" if space.max_lost else sentence


def rounding_sentences(impact: Impact) -> list[str]:
    """That numbers are rounded, where they are."""
    names = dict.fromkeys(space.space.partition("/")[0] for space in impact.spaces if not is_exact(space.contacts))
    if not names:
        return []
    return [f"Numbers of contacts are rounded: you may not read the contacts of {or_list(tuple(names))}."]


def sample_sentences(impact: Impact) -> list[str]:
    """How the numbers of a sample were estimated."""
    samples = {space.space.partition("/")[0]: space.sample for space in impact.spaces if space.sample is not None}
    if not samples:
        return []
    which = ", ".join(f"{name}: {s.contacts:,} of {s.population:,} contacts" for name, s in samples.items())
    limit = (
        " How much a promotion may take is judged on all contacts." if any(s.max_lost for s in impact.spaces) else ""
    )
    return [
        f"Estimated from a fixed sample ({which}, the same in every run). ±: the error"
        f" with 95 % confidence (Wilson’s interval, corrected for the finite population).{limit}"
    ]


_WRONG = {
    Code.HOOK_MISSING: "is not installed",
    Code.HOOK_FAILED: "failed",
    Code.HOOK_ANSWER: "returned something unusable",
}
_NAMED, _SENTENCES = 3, 10
"""How many offers and spaces a sentence about a hook names, and how many sentences there are at most."""


def hook_sentences(failed: Iterable[tuple[str, Sequence[FailedHook], Sample | None]]) -> list[str]:
    """The hooks that decisions were made without: on which spaces, and in how many calls.

    ``failed``: by space, with the sample that they were counted in.
    """
    spaces: dict[tuple[str, str, str], list[str]] = {}
    for space, hooks, sample in failed:
        for hook in hooks:
            about = f" for {listing(hook.offers, _NAMED)}" if hook.offers else ""
            what = f"The {hook.kind} hook “{hook.hook}” {_WRONG[Code(hook.code)]}{about}"
            before, after = (number(count, sample) for count in (hook.before, hook.after))
            counted = f"{before} {'call' if hook.before == 1 else 'calls'} before and {after} after"
            spaces.setdefault((what, counted, hook.code), []).append(space)
    sentences = [
        f"{what} on {listing(names, _NAMED)}: {counted} were decided without it{' on each' if names[1:] else ''}"
        f" ({code})."
        for (what, counted, code), names in spaces.items()
    ]
    more = len(sentences) - _SENTENCES
    return [*sentences[:_SENTENCES], *([f"{more:,} more hooks failed; --format json names all."] if more > 0 else [])]


def caveats(impact: Impact) -> list[str]:
    """What to know before reading the numbers."""
    failed = ((space.space, space.failed_hooks, space.sample) for space in impact.spaces)
    return [*sample_sentences(impact), *rounding_sentences(impact), *hook_sentences(failed)]


def quiet_sentences(impact: Impact) -> list[str]:
    """Where nothing changes, and where nothing is known."""
    quiet = ", ".join(space.space for space in impact.spaces if not space.changed)
    silent = ", ".join(impact.silent)
    word = "in the sample" if any(space.sample is not None and not space.changed for space in impact.spaces) else ""
    sentences = []
    if quiet:
        sentences.append(f"No contact {word} is affected on {quiet}.".replace("  ", " "))
    if silent:
        sentences.append(f"The contacts of {silent} are unknown: the dimension declares no source.")
    return sentences


def impact_text(impact: Impact, presentation: Presentation = PRESENTATION) -> str:
    """The spaces where something changes for somebody, the rest in one line."""
    style, width = presentation.style, presentation.layout.width
    if not impact.spaces and not impact.silent:
        return style.finish(style.bold("Impact · no contact is affected.") + "\n")
    lines = [style.bold(f"Impact · {visible(heading(impact))}")]
    for sentence in caveats(impact):
        lines += [style.yellow(row) for row in indented("  ", visible(sentence), width)]
    for space in impact.spaces:
        if space.changed:
            lines += ["", *_space(space, style, width)]
    for sentence in quiet_sentences(impact):
        lines += ["", *indented("", visible(sentence), width)]
    return style.finish("\n".join(lines) + "\n")


def _space(space: SpaceImpact, style: Style, width: int) -> list[str]:
    lines = [style.bold(f"{visible(space.space)} · {changed_sentence(space)}")]
    if emptied := emptied_sentence(space):
        paint = style.red if space.emptied else style.dim
        lines += [paint(row) for row in indented("  ", emptied, width)]
    offers = offer_table(space)
    head, *rows = _table(offers, style)
    lines.append(head)
    for offer, row in zip(offers.rows, rows, strict=True):
        lines.append(row)
        for sentence in offer.examples:
            lines += [style.dim(row) for row in indented("      ", visible(clip(sentence, 240)), width)]
    for axis, segments in space.segments:
        lines += ["", *_table(segment_table(axis, segments, space.sample), style)]
    return lines


def _table(table: NumberTable, style: Style) -> list[str]:
    """The first column as wide as it must be, the others as numbers."""
    head = [name.lower() for name in table.head[1:]]
    title, *names = (visible(clip(text, 60)) for text in (table.title, *(row.name for row in table.rows)))
    name_width = max(map(display_width, [title, *names]))
    widths = [
        max([len(name) + 2, 9, *(display_width(row.numbers[column]) + 2 for row in table.rows)])
        for column, name in enumerate(head)
    ]

    def line(name: str, cells: Sequence[str]) -> str:
        numbers = "".join(" " * (size - display_width(cell)) + cell for cell, size in zip(cells, widths, strict=True))
        return f"  {pad(name, name_width)}  {numbers}"

    return [
        style.dim(line(title, head)),
        *(line(name, row.numbers) for name, row in zip(names, table.rows, strict=True)),
    ]


def examples(offer: OfferImpact) -> list[str]:
    """Those of one change for one reason in one sentence."""
    grouped: dict[tuple[str, str], list[str]] = {}
    for example in offer.examples:
        grouped.setdefault((example.change, example.reason), []).append(example.contact)
    return [
        f"{change} by {', '.join(who)}: {reason}" if any(who) else f"{change}: {reason}"
        for (change, reason), who in grouped.items()
    ]


class NumberRow(NamedTuple):
    """A row of a table: numbers as they are said, and the ones that bars are drawn by."""

    name: str
    numbers: tuple[str, str, str, str]
    gained: int
    lost: int
    examples: Sequence[str] = ()


class NumberTable(NamedTuple):
    """What changes for offers or for segments; ``longest``: what the longest bar stands for."""

    head: tuple[str, ...]
    rows: Sequence[NumberRow]
    longest: int = 0
    axis: str = ""

    @property
    def title(self) -> str:
        """The first column's, as text has it."""
        return f"by {self.axis}" if self.axis else "offer"


def offer_table(space: SpaceImpact, longest: int = 0) -> NumberTable:
    """The offers of a space."""
    sample = space.sample
    rows = [
        NumberRow(
            offer.offer,
            (
                number(offer.before, sample),
                number(offer.gained, sample, "+"),
                number(offer.lost, sample, "-"),
                number(offer.moved, sample),
            ),
            size(offer.gained),
            size(offer.lost),
            examples(offer),
        )
        for offer in space.offers
    ]
    return NumberTable(("Offer", "Before", "Gained", "Lost", "Moved"), rows, longest)


def segment_table(axis: str, segments: Sequence[Segment], sample: Sample | None) -> NumberTable:
    """The contacts of a space by the values of a field."""
    rows = [
        NumberRow(
            part.value,
            (
                number(part.contacts, sample),
                number(part.gained, sample, "+"),
                number(part.lost, sample, "-"),
                number(part.emptied, sample),
            ),
            part.gained,
            part.lost,
        )
        for part in segments
    ]
    longest = max((max(part.gained, part.lost) for part in segments), default=0)
    return NumberTable((f"By {axis}", "Contacts", "Gained", "Lost", "Left without an offer"), rows, longest, axis)


class SpaceImpactView(NamedTuple):
    """What a page shows of a space where something changes."""

    name: str
    changed: str
    emptied: str
    alarm: bool
    tables: Sequence[NumberTable]


class ImpactView(NamedTuple):
    """What a page shows of an impact."""

    nothing: bool
    heading: str
    caveats: Sequence[str]
    spaces: Iterable[SpaceImpactView]
    quiet: Sequence[str]


def impact_view(impact: Impact) -> ImpactView:
    """The impact in sentences and tables; bars of all spaces have one scale, for they are compared."""
    longest = max(
        (max(size(offer.gained), size(offer.lost)) for space in impact.spaces for offer in space.offers), default=0
    )
    spaces = (
        SpaceImpactView(
            space.space,
            changed_sentence(space),
            emptied_sentence(space),
            bool(space.emptied),
            [
                offer_table(space, longest),
                *(segment_table(axis, segments, space.sample) for axis, segments in space.segments),
            ],
        )
        for space in impact.spaces
        if space.changed
    )
    return ImpactView(
        not impact.spaces and not impact.silent, heading(impact), caveats(impact), spaces, quiet_sentences(impact)
    )


def impact_html(impact: Impact) -> str:
    """A section of a page, which also needs the style of ``impact.css``."""
    return call("impact.html", "impact_section", impact_view(impact)).removesuffix("\n")


def impact_json(impact: Impact, _presentation: Presentation = PRESENTATION) -> str:
    """:func:`impact_data` as text. Ends with a newline."""
    return json_text(impact_data(impact))


def impact_data(impact: Impact) -> dict[str, Any]:
    """Everything as JSON; what a sample gives are estimates, each with its interval.

    Rounded numbers are objects, ``{"about": 430}`` or ``{"fewer_than": 5}``.
    """
    data = asdict(impact)
    for space, row in zip(impact.spaces, data["spaces"], strict=True):
        del row["judged"]
        row["exceeds"] = space.exceeds
        if space.sample is not None:
            _estimated(row, ("changed", "emptied", "served"), space.sample)
            for offer in row["offers"]:
                _estimated(offer, ("before", "gained", "lost", "moved"), space.sample)
            for hook in row["failed_hooks"]:
                _estimated(hook, ("before", "after"), space.sample)
            for _, segments in row["segments"]:
                for part in segments:
                    _estimated(part, ("contacts", "changed", "gained", "lost", "emptied"), space.sample)
    return data


def _estimated(row: dict[str, object], names: Sequence[str], sample: Sample) -> None:
    intervals = {}
    for name in names:
        count = row[name]
        if not isinstance(count, int):
            continue
        interval = estimate(count, sample)
        row[name], intervals[name] = interval.value, [interval.low, interval.high]
    row["interval"] = intervals
