"""What a simulation found, as data, text, JSON and a page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from offerkit.engine.simulation import AxisValue, GroupResult, OfferResult, Ranked, Simulation, SpaceResult
from offerkit.reports.escape import clip, json_text, visible
from offerkit.reports.style import PRESENTATION, Presentation, Style, display_width, pad
from offerkit.reports.templating import fill

SHOWN = 20
"""Values of an axis that a text or page shows, those of most contacts; the others are one row, and JSON has all."""


def shown(values: Sequence[AxisValue]) -> list[AxisValue]:
    """The values as a text or page shows them: nobody is left out."""
    if len(values) <= SHOWN + 1:
        return list(values)
    rest = values[SHOWN:]
    contacts, nothing = sum(value.contacts for value in rest), sum(value.nothing for value in rest)
    return [*values[:SHOWN], AxisValue(f"others ({len(rest):,} values)", contacts, nothing, ())]


def _asked(simulation: Simulation) -> str:
    """How many for each contact, when, and with what call data."""
    narrowed = f"; contacts where {simulation.population}" if simulation.population else ""
    narrowed += f"; offers where {simulation.only}" if simulation.only else ""
    return f"{simulation.n} for each contact, at {simulation.at}{supposing(simulation.data)}{clip(narrowed, 300)}"


def supposing(data: Mapping[str, str]) -> str:
    """The call data that were supposed, to stand behind a time; empty for none."""
    return "".join(f", {name} = {clip(value, 60)}" for name, value in data.items())


def simulation_text(simulation: Simulation, presentation: Presentation = PRESENTATION) -> str:
    """A part for each space: how many get how many, offers by rank, axes, and what keeps back who is never given."""
    style = presentation.style
    lines = [style.bold(f"{simulation.environment} in {simulation.stage}, {visible(_asked(simulation))}")]
    for space in simulation.spaces:
        lines += ["", *_space(simulation, space, style)]
    return style.finish("\n".join(lines) + "\n")


def _space(simulation: Simulation, space: SpaceResult, style: Style) -> list[str]:
    lines = [style.bold(f"{space.space} · {space.contacts:,} contacts")]
    for count in range(simulation.n, -1, -1):
        number = space.by_count[count]
        if number:
            lines.append(f"  {_offers(count):10} {number:>9,}  {_share(number, space.contacts)}")
    given_offers = space.given
    name_width = max((display_width(offer.offer) for offer in space.offers), default=0)
    if given_offers:
        ranks = "".join(f"{'rank ' + str(rank):>10}" for rank in range(1, min(simulation.n, 5) + 1))
        lines += [
            "",
            style.dim(f"  {pad('offer', name_width)}  {'contacts':>9}        {ranks}{'ranks':>10}{'mean':>6}"),
        ]
    for offer in given_offers:
        ranks = "".join(f"{count:>10,}" for count in offer.by_rank[:5])
        share = _share(offer.contacts, space.contacts)
        name = pad(visible(offer.offer), name_width)
        lines.append(f"  {name}  {offer.contacts:>9,}  {share}{ranks}{_span(offer):>10}{offer.mean_rank or 0:>6.2f}")
    never = space.never
    if never:
        lines += ["", f"  {len(never)} offer{'s' if len(never) > 1 else ''} that no contact gets"]
    for offer in never:
        lines.append(f"  {style.red(pad(visible(offer.offer), name_width))}  {_loss(offer)}")
    for axis, values in space.axes:
        lines += ["", style.dim(f"  by {visible(axis)}")]
        values = shown(values)
        names = [visible(clip(value.value, 30)) for value in values]
        widest = max(map(display_width, names), default=0)
        for name, value in zip(names, values, strict=True):
            top = ", ".join(f"{offer} {_share(count, value.contacts).strip()}" for offer, count in value.top[:3])
            nothing = f"nothing for {value.nothing:,}" if value.nothing else ""
            lines.append(f"  {pad(name, widest)}  {value.contacts:>9,}  {'; '.join(filter(None, [top, nothing]))}")
    for axis, groups in space.groups:
        lines += ["", *_groups(axis, groups, style)]
    return lines


def _groups(axis: str, groups: Sequence[GroupResult], style: Style) -> list[str]:
    names = [visible(clip(" · ".join(group.values), 60)) for group in groups[:SHOWN]]
    widest = max((display_width(name) for name in (*names, f"by {axis}")), default=0)
    head = f"  {pad(f'by {visible(axis)}', widest)}  {'contacts':>9}  {'':6}{'offers':>10}{'ranks':>10}{'mean':>6}"
    lines = [style.dim(head)]
    for name, group in zip(names, groups, strict=False):
        share, given = _share(group.contacts, group.whole), sum(group.by_rank)
        numbers = f"{group.contacts:>9,}  {share}{given:>10,}{_span(group):>10}{group.mean_rank or 0:>6.2f}"
        lines.append(f"  {pad(name, widest)}  {numbers}")
    return lines + ([f"  and {len(groups) - SHOWN:,} more groups"] if len(groups) > SHOWN else [])


def _span(ranked: Ranked) -> str:
    """The best and the worst rank: ``1–3``."""
    return (
        f"{ranked.first_rank}–{ranked.last_rank}" if ranked.first_rank != ranked.last_rank else f"{ranked.first_rank}"
    )


def _offers(count: int) -> str:
    return "nothing" if not count else f"{count} offer{'s' if count > 1 else ''}"


def _loss(offer: OfferResult) -> str:
    if not offer.losses:
        return ""
    first = offer.losses[0]
    count = f" ({first.contacts:,} contacts)" if first.contacts else ""
    where = f"  {visible(first.where)}" if first.where else ""
    return visible(clip(first.reason, 120)) + count + where


def _share(count: int, total: int) -> str:
    return f"{count / total:>6.1%}" if total else "     –"


def simulation_json(simulation: Simulation, _presentation: Presentation = PRESENTATION) -> str:
    """Everything as JSON. Ends with a newline."""
    data = asdict(simulation)
    for made, space in zip(data["spaces"], simulation.spaces, strict=True):
        pairs: list[tuple[Any, Ranked]] = [*zip(made["offers"], space.offers, strict=True)]
        for (_, groups), (_, results) in zip(made["groups"], space.groups, strict=True):
            pairs += zip(groups, results, strict=True)
        for plain, ranked in pairs:
            plain["rank"] = {"min": ranked.first_rank, "max": ranked.last_rank, "mean": ranked.mean_rank}
    return json_text(data)


def _group_rows(groups: Sequence[GroupResult]) -> Iterator[tuple[str, str, str, str, str]]:
    """What a page shows of an axis on offers: name, contacts, share, ranks and mean rank."""
    for group in groups[:SHOWN]:
        name = " · ".join(group.values)
        share = _share(group.contacts, group.whole).strip()
        yield name, f"{group.contacts:,}", share, _span(group), f"{group.mean_rank or 0:.2f}"


def simulation_html(simulation: Simulation, _presentation: Presentation = PRESENTATION) -> str:
    """One page that loads and runs nothing: bars to look at, numbers to read, good on paper."""

    def counts(space: SpaceResult) -> list[tuple[str, int, str]]:
        """How many get how many offers, from most to none; what nobody gets only at the ends."""
        numbers = range(simulation.n, -1, -1)
        return [(_offers(n), space.by_count[n], "") for n in numbers if space.by_count[n] or n in (0, simulation.n)]

    def given(space: SpaceResult) -> Iterator[tuple[str, int, str]]:
        """How many get which offer, and at which rank."""
        return ((offer.offer, offer.contacts, offer.ranks) for offer in space.given)

    return fill(
        "simulation.html",
        title=f"{simulation.environment} in {simulation.stage}: who gets what",
        asked=_asked(simulation),
        spaces=simulation.spaces,
        counts=counts,
        given=given,
        shown=shown,
        groups=_group_rows,
        most=SHOWN,
    )
