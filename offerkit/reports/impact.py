"""What a plan changes for people, as data and as text or JSON; Markdown and HTML have modules of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal

from offerkit.reports.escape import clip, json_text, visible
from offerkit.reports.estimate import Sample, estimate, percent
from offerkit.reports.style import PLAIN, Style, display_width, indented, pad


@dataclass(frozen=True, slots=True)
class Example:
    """A contact, by key, with what was behind its change."""

    contact: str
    change: str
    reason: str


@dataclass(frozen=True, slots=True)
class OfferImpact:
    """Contacts that gain an offer, lose it, or get it at another rank; with some of them as examples."""

    offer: str
    before: int
    gained: int
    lost: int
    moved: int
    examples: Sequence[Example] = ()


@dataclass(frozen=True, slots=True)
class Segment:
    """The contacts with one value of a field, those who see something else, gain or lose offers, are left with none."""

    value: str
    contacts: int
    changed: int
    gained: int
    lost: int
    emptied: int


@dataclass(frozen=True, slots=True)
class SpaceImpact:
    """One space. ``changed``: contacts whose offers or ranks differ; ``emptied``: those left with nothing.

    ``contacts``: all that there are; ``served``: those who get an offer before; ``max_lost``: what a promotion may
    take, if the environment says so. With a ``sample`` every number but ``contacts`` is what was counted in it.
    """

    space: str
    contacts: int
    changed: int
    emptied: int
    offers: Sequence[OfferImpact]
    served: int = 0
    max_lost: str = ""
    segments: Sequence[tuple[str, Sequence[Segment]]] = ()
    sample: Sample | None = None

    @property
    def counted(self) -> int:
        """The contacts that were decided for."""
        return self.sample.contacts if self.sample is not None else self.contacts

    @property
    def exceeds(self) -> bool:
        """Whether more are left with nothing than the environment allows, as far as these contacts tell."""
        return bool(self.max_lost) and self.emptied * 100 > Decimal(self.max_lost.rstrip("%")) * self.served


@dataclass(frozen=True, slots=True)
class Impact:
    """Before and after, each a time in words; ``n`` offers for each contact.

    ``silent``: environments about whose contacts nothing is known, since their dimension declares no source.
    """

    before: str
    after: str
    n: int
    spaces: Sequence[SpaceImpact]
    silent: Sequence[str] = ()


def heading(made: Impact) -> str:
    """What is compared."""
    return f"{made.n} for each contact · {made.before} → {made.after}"


def number(count: int, sample: Sample | None, sign: str = "") -> str:
    """A count, estimated if it is of a sample: ``1,204``, ``+1,204``, ``≈1,204 ±98``."""
    if sample is None:
        return f"{sign}{count:,}" if count else "0"
    found = estimate(count, sample)
    return f"≈{sign if found.value else ''}{found.value:,} ±{found.margin:,}"


def changed_sentence(space: SpaceImpact) -> str:
    """How many see something else."""
    share = percent(space.changed, space.counted, space.sample)
    return f"{number(space.changed, space.sample)} of {space.contacts:,} contacts ({share}) see something else"


def emptied_sentence(space: SpaceImpact) -> str:
    """How many are left with nothing, and how many may be; empty when that says nothing."""
    if not space.emptied and not space.max_lost:
        return ""
    share = f" ({percent(space.emptied, space.served, space.sample)})" if space.served else ""
    of = f" of {number(space.served, space.sample)} who had an offer{share}"
    said = f"{number(space.emptied, space.sample)}{of} are left with nothing"
    if space.exceeds:
        return f"{said}, more than the {space.max_lost} that a promotion may take"
    return f"{said}; a promotion may take {space.max_lost}" if space.max_lost else said


def sample_sentences(made: Impact) -> list[str]:
    """What numbers of a sample are, and that they are no more than that."""
    samples = {space.space.partition("/")[0]: space.sample for space in made.spaces if space.sample is not None}
    if not samples:
        return []
    which = ", ".join(f"{name}: {s.contacts:,} of {s.population:,} contacts" for name, s in samples.items())
    limit = " How much a promotion may take is judged on all contacts." if any(s.max_lost for s in made.spaces) else ""
    return [
        f"Estimated from a fixed sample ({which}, the same in every run). ±: with 95 % confidence the number of all"
        f" contacts is not further off (Wilson’s interval, corrected for the finite population).{limit}"
    ]


def quiet_sentences(made: Impact) -> list[str]:
    """Where nothing changes, and where nothing is known."""
    quiet = ", ".join(space.space for space in made.spaces if not space.changed)
    silent = ", ".join(made.silent)
    word = "in the sample" if any(space.sample is not None and not space.changed for space in made.spaces) else ""
    said = []
    if quiet:
        said.append(f"Nothing changes for anybody {word} on {quiet}.".replace("  ", " "))
    if silent:
        said.append(f"Nothing is known about the contacts of {silent}: the dimension declares no source.")
    return said


def impact_text(made: Impact, style: Style = PLAIN, width: int = 100) -> str:
    """The spaces where something changes for somebody, the rest in one line."""
    if not made.spaces and not made.silent:
        return style.finish(style.bold("Impact · nothing changes for anybody.") + "\n")
    lines = [style.bold(f"Impact · {visible(heading(made))}")]
    for said in sample_sentences(made):
        lines += [style.yellow(row) for row in indented("  ", said, width)]
    for space in made.spaces:
        if space.changed:
            lines += ["", *_space(space, style, width)]
    for said in quiet_sentences(made):
        lines += ["", *indented("", visible(said), width)]
    return style.finish("\n".join(lines) + "\n")


def _space(space: SpaceImpact, style: Style, width: int) -> list[str]:
    lines = [style.bold(f"{visible(space.space)} · {changed_sentence(space)}")]
    if emptied := emptied_sentence(space):
        paint = style.red if space.emptied else style.dim
        lines += [paint(row) for row in indented("  ", emptied, width)]
    rows = [(offer.offer, number(offer.before, space.sample), *_changes(offer, space.sample)) for offer in space.offers]
    table = _table(("offer", "before", "gained", "lost", "moved"), rows, style)
    lines.append(table[0])
    for offer, row in zip(space.offers, table[1:], strict=True):
        lines.append(row)
        for said in examples(offer):
            lines += [style.dim(row) for row in indented("      ", visible(clip(said, 240)), width)]
    for axis, segments in space.segments:
        found = [(part.value, *_parts(part, space.sample)) for part in segments]
        lines += ["", *_table((f"by {axis}", "contacts", "gained", "lost", "left with nothing"), found, style)]
    return lines


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], style: Style) -> list[str]:
    """The first column as wide as it must be, the others as numbers."""
    title, *names = (visible(clip(text, 60)) for text in (head[0], *(row[0] for row in rows)))
    first = max(map(display_width, [title, *names]))
    wide = [
        max([len(head[place]) + 2, 9, *(display_width(row[place]) + 2 for row in rows)])
        for place in range(1, len(head))
    ]

    def line(name: str, cells: Sequence[str]) -> str:
        numbers = "".join(" " * (size - display_width(cell)) + cell for cell, size in zip(cells, wide, strict=True))
        return f"  {pad(name, first)}  {numbers}"

    return [
        style.dim(line(title, head[1:])),
        *(line(name, row[1:]) for name, row in zip(names, rows, strict=True)),
    ]


def _changes(offer: OfferImpact, sample: Sample | None) -> tuple[str, str, str]:
    return number(offer.gained, sample, "+"), number(offer.lost, sample, "-"), number(offer.moved, sample)


def _parts(part: Segment, sample: Sample | None) -> tuple[str, str, str, str]:
    return (
        number(part.contacts, sample), number(part.gained, sample, "+"), number(part.lost, sample, "-"),
        number(part.emptied, sample),
    )  # fmt: skip


def examples(offer: OfferImpact) -> list[str]:
    """Those of one change for one reason in one sentence."""
    grouped: dict[tuple[str, str], list[str]] = {}
    for example in offer.examples:
        grouped.setdefault((example.change, example.reason), []).append(example.contact)
    return [f"{change} by {', '.join(who)}: {reason}" for (change, reason), who in grouped.items()]


def impact_json(made: Impact) -> str:
    """Everything as JSON; what a sample gives are estimates, each with its interval. Ends with a newline."""
    data = asdict(made)
    for space, found in zip(made.spaces, data["spaces"], strict=True):
        found["exceeds"] = space.exceeds
        if space.sample is not None:
            _estimated(found, ("changed", "emptied", "served"), space.sample)
            for offer in found["offers"]:
                _estimated(offer, ("before", "gained", "lost", "moved"), space.sample)
            for _, segments in found["segments"]:
                for part in segments:
                    _estimated(part, ("contacts", "changed", "gained", "lost", "emptied"), space.sample)
    return json_text(data)


def _estimated(found: dict[str, object], names: Sequence[str], sample: Sample) -> None:
    intervals = {}
    for name in names:
        count = found[name]
        assert isinstance(count, int)
        made = estimate(count, sample)
        found[name], intervals[name] = made.value, [made.low, made.high]
    found["interval"] = intervals
