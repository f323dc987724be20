"""A simulation as one page that loads and runs nothing: bars to look at, numbers to read, good on paper."""

from __future__ import annotations

from offerkit.reports.escape import clip, html
from offerkit.reports.page import page
from offerkit.reports.simulation import OfferResult, Simulation, SpaceResult, shown


def simulation_html(made: Simulation) -> str:
    """The whole page."""
    title = f"{made.environment} in {made.stage}: who gets what"
    head = f"<h1>{html(title)}</h1><p class=quiet>{html(made.asked)}</p>"
    return page(title, head + "".join(_space(made, space) for space in made.spaces))


def _space(made: Simulation, space: SpaceResult) -> str:
    rows = "".join(
        _bar(_count(count), space.by_count[count], space.contacts)
        for count in range(made.n, -1, -1)
        if space.by_count[count] or count in (0, made.n)
    )
    parts = [f"<h2>{html(space.space)}</h2><p class=summary>{space.contacts:,} contacts</p>", _table(rows)]
    given = [offer for offer in space.offers if offer.contacts]
    if given:
        parts += ["<h3>Offers, by how many contacts they reach</h3>"]
        parts.append(_table("".join(_offer(offer, space.contacts) for offer in given)))
    never = [offer for offer in space.offers if not offer.contacts]
    if never:
        parts.append("<h3>Offers that nobody gets, and what takes most contacts from them</h3><ul>")
        parts += [f"<li><b>{html(offer.offer)}</b> {_losses(offer)}</li>" for offer in never]
        parts.append("</ul>")
    for axis, values in space.axes:
        parts.append(
            f"<h3>By {html(axis)}</h3><table class=history><tr><th>Value<th>Contacts<th>Nothing<th>Most given</tr>"
        )
        for value in shown(values):
            top = ", ".join(f"{html(offer)} {count / max(value.contacts, 1):.0%}" for offer, count in value.top[:5])
            parts.append(
                f"<tr><td>{html(clip(value.value, 60))}<td>{value.contacts:,}<td>{value.nothing:,}<td>{top}</tr>"
            )
        parts.append("</table>")
    return "".join(parts)


def _offer(offer: OfferResult, contacts: int) -> str:
    ranks = " · ".join(f"rank {rank}: {count:,}" for rank, count in enumerate(offer.by_rank, 1) if count)
    return _bar(offer.offer, offer.contacts, contacts, ranks)


def _losses(offer: OfferResult) -> str:
    return "; ".join(
        html(clip(loss.reason, 200)) + (f" ({loss.contacts:,})" if loss.contacts else "")
        + (f" <code>{html(loss.where)}</code>" if loss.where else "")
        for loss in offer.losses[:3]
    )  # fmt: skip


def _bar(name: str, count: int, whole: int, note: str = "") -> str:
    """A row whose bar is as long as its share of ``whole``: all contacts of the space, for every bar of it."""
    share = 100 * count / (whole or 1)
    svg = (
        f'<svg width="100%" height="14" role="img" aria-label="{count:,} of {whole:,}">'
        f'<rect width="{share:.2f}%" height="14" rx="2" fill="#0969da"></rect></svg>'
    )
    percent = f"{count / whole:.1%}" if whole else "–"
    quiet = f"<div class=quiet>{html(note)}</div>" if note else ""
    return f'<tr><td>{html(name)}{quiet}<td style="width:45%">{svg}<td>{count:,}<td>{percent}</tr>'


def _table(rows: str) -> str:
    return f"<table class=history>{rows}</table>"


def _count(count: int) -> str:
    return "nothing" if not count else f"{count} offer{'s' if count > 1 else ''}"
