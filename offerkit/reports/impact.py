"""What a plan changes for people, as data and as text, Markdown or JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import orjson

from offerkit.reports.escape import clip, markdown, visible
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
class SpaceImpact:
    """One space. ``changed``: contacts whose offers or ranks differ; ``emptied``: those left with nothing."""

    space: str
    contacts: int
    changed: int
    emptied: int
    offers: Sequence[OfferImpact]


@dataclass(frozen=True, slots=True)
class Impact:
    """Before and after, each a time in words; ``n`` offers for each contact."""

    before: str
    after: str
    n: int
    spaces: Sequence[SpaceImpact]


def impact_text(made: Impact, style: Style = PLAIN, width: int = 100) -> str:
    """The spaces where something changes for somebody, the rest in one line."""
    if not made.spaces:
        return style.finish(style.bold("Impact · nothing changes for anybody.") + "\n")
    lines = [style.bold(f"Impact · {made.n} for each contact · {made.before} → {made.after}")]
    quiet = [space for space in made.spaces if not space.changed]
    for space in made.spaces:
        if space.changed:
            lines += ["", *_space(space, style, width)]
    if quiet:
        names = ", ".join(space.space for space in quiet)
        lines += ["", *indented("", f"Nothing changes for anybody on {names}.", width)]
    return style.finish("\n".join(lines) + "\n")


def _space(space: SpaceImpact, style: Style, width: int) -> list[str]:
    share = f"{space.changed / space.contacts:.1%}" if space.contacts else "–"
    lines = [
        style.bold(f"{space.space} · {space.changed:,} of {space.contacts:,} contacts ({share}) see something else")
    ]
    if space.emptied:
        lines.append(style.red(f"  {space.emptied:,} are left with nothing"))
    wide = max((display_width(offer.offer) for offer in space.offers), default=0)
    lines.append(style.dim(f"  {pad('offer', wide)}  {'before':>9}{'gained':>9}{'lost':>9}{'moved':>9}"))
    for offer in space.offers:
        gained = f"+{offer.gained:,}" if offer.gained else "0"
        lost = f"-{offer.lost:,}" if offer.lost else "0"
        numbers = f"{offer.before:>9,}{gained:>9}{lost:>9}{offer.moved:>9,}"
        lines.append(f"  {pad(visible(offer.offer), wide)}  {numbers}")
        for said in _examples(offer):
            lines += [style.dim(row) for row in indented("      ", visible(clip(said, 240)), width)]
    return lines


def _examples(offer: OfferImpact) -> list[str]:
    """Those of one change for one reason in one sentence."""
    grouped: dict[tuple[str, str], list[str]] = {}
    for example in offer.examples:
        grouped.setdefault((example.change, example.reason), []).append(example.contact)
    return [f"{change} by {', '.join(who)}: {reason}" for (change, reason), who in grouped.items()]


def impact_markdown(made: Impact) -> str:
    """The same for a pull request."""
    if not made.spaces:
        return "## Impact: nothing changes for anybody\n"
    lines = [f"## Impact: {made.n} for each contact, {markdown(made.before)} → {markdown(made.after)}", ""]
    for space in made.spaces:
        if not space.changed:
            continue
        lines += [f"**{markdown(space.space)}**: {space.changed:,} of {space.contacts:,} contacts see something else;"
                  f" {space.emptied:,} are left with nothing", "",
                  "| Offer | Before | Gained | Lost | Moved | For example |", "|:--|--:|--:|--:|--:|:--|"]  # fmt: skip
        for offer in space.offers:
            examples = "; ".join(markdown(clip(said, 160)) for said in _examples(offer)[:2])
            lines.append(
                f"| {markdown(offer.offer)} | {offer.before:,} | {offer.gained:,} | {offer.lost:,} | {offer.moved:,}"
                f" | {examples} |"
            )
        lines.append("")
    if not any(space.changed for space in made.spaces):
        lines += ["Nothing changes for anybody.", ""]
    return "\n".join(lines)


def impact_json(made: Impact) -> str:
    """Everything as JSON. Ends with a newline."""
    return orjson.dumps(asdict(made), option=orjson.OPT_INDENT_2).decode() + "\n"
