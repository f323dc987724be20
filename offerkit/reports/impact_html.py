"""What a plan changes for people, as a part of the plan's page: bars to look at, numbers to read, good on paper."""

from __future__ import annotations

from offerkit.reports.counts import Count, size
from offerkit.reports.escape import clip, html
from offerkit.reports.impact import (
    Impact,
    OfferImpact,
    Segment,
    SpaceImpact,
    changed_sentence,
    emptied_sentence,
    examples,
    heading,
    number,
    quiet_sentences,
    rounding_sentences,
    sample_sentences,
)

STYLE = """
.impact td.n, .impact th.n { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums }
.impact tr { break-inside: avoid } .impact td.bar { width: 22% } .impact svg { display: block }
.impact .more { fill: var(--green) } .impact .less { fill: var(--red) } .impact .axis { fill: var(--line) }
.impact .alarm { color: var(--red); font-weight: 600 } .impact .guess { color: var(--amber) }
.impact ul { margin: .1rem 0; color: var(--quiet); font-size: .85rem }
@media screen and (max-width: 40rem) {
  .impact td.bar, .impact th:nth-child(2) { display: none } .impact th.n { white-space: normal }
  .impact td, .impact th { padding-right: .3rem; font-size: .8rem } .impact ul { padding-left: .75rem }
  .impact td:last-child, .impact th:last-child { padding-right: 0 }
}
""".strip()
"""For the head of a page that has such a part."""


def impact_html(made: Impact) -> str:
    """A section of a page, with the style above."""
    parts = ['<section class="impact">', "<h2>Impact</h2>"]
    if not made.spaces and not made.silent:
        return "\n".join([*parts, "<p>Nothing changes for anybody.</p>", "</section>"])
    parts.append(f'<p class="quiet">{html(heading(made))}</p>')
    parts += [f'<p class="guess">{html(said)}</p>' for said in (*sample_sentences(made), *rounding_sentences(made))]
    # One scale for all spaces: bars are compared with what stands above them.
    sizes = [max(size(offer.gained), size(offer.lost)) for space in made.spaces for offer in space.offers]
    for space in made.spaces:
        if space.changed:
            parts += _space(space, max(sizes, default=0))
    parts += [f"<p>{html(said)}</p>" for said in quiet_sentences(made)]
    return "\n".join([*parts, "</section>"])


def _space(space: SpaceImpact, most: int) -> list[str]:
    parts = [f"<h3>{html(space.space)}</h3>", f'<p class="summary">{html(changed_sentence(space))}</p>']
    if emptied := emptied_sentence(space):
        kind = ' class="alarm"' if space.emptied else ""
        parts.append(f"<p{kind}>{html(emptied)}</p>")
    parts.append(_head("Offer", "Lost and gained", "Before", "Gained", "Lost", "Moved"))
    parts += [_offer(offer, most, space) for offer in space.offers]
    parts.append("</table>")
    for axis, segments in space.segments:
        largest = max((max(part.gained, part.lost) for part in segments), default=0)
        parts.append(_head(f"By {axis}", "Lost and gained", "Contacts", "Gained", "Lost", "Left with nothing"))
        parts += [_segment(part, largest, space) for part in segments]
        parts.append("</table>")
    return parts


def _head(first: str, plot: str, *numbers: str) -> str:
    cells = "".join(f'<th class="n" scope="col">{html(name)}</th>' for name in numbers)
    return f'<table class="history">\n<tr><th scope="col">{html(first)}</th><th scope="col">{plot}</th>{cells}</tr>'


def _offer(offer: OfferImpact, most: int, space: SpaceImpact) -> str:
    said = "".join(f"<li>{html(clip(text, 240))}</li>" for text in examples(offer))
    name = html(offer.offer) + (f"<ul>{said}</ul>" if said else "")
    sample = space.sample
    numbers = (
        number(offer.before, sample), number(offer.gained, sample, "+"), number(offer.lost, sample, "-"),
        number(offer.moved, sample),
    )  # fmt: skip
    return _row(name, _bar(offer.lost, offer.gained, most, numbers[2], numbers[1]), *numbers)


def _segment(part: Segment, most: int, space: SpaceImpact) -> str:
    sample = space.sample
    numbers = (
        number(part.contacts, sample), number(part.gained, sample, "+"), number(part.lost, sample, "-"),
        number(part.emptied, sample),
    )  # fmt: skip
    return _row(html(clip(part.value, 60)), _bar(part.lost, part.gained, most, numbers[2], numbers[1]), *numbers)


def _row(name: str, bar: str, *numbers: str) -> str:
    cells = "".join(f'<td class="n">{html(text)}</td>' for text in numbers)
    return f'<tr><td>{name}</td><td class="bar">{bar}</td>{cells}</tr>'


def _bar(lost: Count, gained: Count, most: int, *said: str) -> str:
    """Lost to the left of the middle, gained to the right, each as it is ``said``; the longest bar takes half of it."""
    less, more = (50 * size(count) / most if most else 0.0 for count in (lost, gained))
    return (
        f'<svg width="100%" height="14" role="img" aria-label="lost {html(said[0])}, gained {html(said[1])}">'
        f'<rect class="less" x="{50 - less:.2f}%" width="{less:.2f}%" height="14"></rect>'
        f'<rect class="more" x="50%" width="{more:.2f}%" height="14"></rect>'
        '<rect class="axis" x="50%" width="1" height="14"></rect></svg>'
    )
