"""What a plan changes for people, for a pull request."""

from __future__ import annotations

from offerkit.reports.escape import clip, markdown
from offerkit.reports.impact import (
    Impact,
    SpaceImpact,
    changed_sentence,
    emptied_sentence,
    examples,
    number,
    quiet_sentences,
    rounding_sentences,
    sample_sentences,
)


def impact_markdown(made: Impact) -> str:
    """A table for each space where something changes. Ends with a newline."""
    if not made.spaces and not made.silent:
        return "## Impact: nothing changes for anybody\n"
    lines = [f"## Impact: {made.n} for each contact, {markdown(made.before)} → {markdown(made.after)}", ""]
    for said in (*sample_sentences(made), *rounding_sentences(made)):
        lines += [f"> {markdown(said)}", ""]
    for space in made.spaces:
        if space.changed:
            lines += _space(space)
    for said in quiet_sentences(made):
        lines += [markdown(said), ""]
    return "\n".join(lines).rstrip("\n") + "\n"


def _space(space: SpaceImpact) -> list[str]:
    sample = space.sample
    sentences = "; ".join(filter(None, [changed_sentence(space), emptied_sentence(space)]))
    warning = "⚠ " if space.exceeds else ""
    lines = [f"{warning}**{markdown(space.space)}**: {markdown(sentences)}", "",
             "| Offer | Before | Gained | Lost | Moved | For example |", "|:--|--:|--:|--:|--:|:--|"]  # fmt: skip
    for offer in space.offers:
        said = "; ".join(markdown(clip(text, 160)) for text in examples(offer)[:2])
        cells = (
            number(offer.before, sample), number(offer.gained, sample, "+"), number(offer.lost, sample, "-"),
            number(offer.moved, sample),
        )  # fmt: skip
        lines.append(f"| {markdown(offer.offer)} | {' | '.join(cells)} | {said} |")
    lines.append("")
    for axis, segments in space.segments:
        lines += [f"| By {markdown(axis)} | Contacts | Gained | Lost | Left with nothing |", "|:--|--:|--:|--:|--:|"]
        for part in segments:
            cells = (
                number(part.contacts, sample), number(part.gained, sample, "+"), number(part.lost, sample, "-"),
                number(part.emptied, sample),
            )  # fmt: skip
            lines.append(f"| {markdown(clip(part.value, 60))} | {' | '.join(cells)} |")
        lines.append("")
    return lines
