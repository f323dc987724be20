"""Why each offer of the slice is proposed or not, step by step (domain.md §3)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import groupby
from math import prod

from offerkit.engine.decision import DecisionTrace, OfferTrace, SliceTrace
from offerkit.engine.reasons import REASONS, ExclusionReason, Finding
from offerkit.engine.slice import SliceSource
from offerkit.engine.weights import plain_number, times
from offerkit.fingerprint import Json, path_text
from offerkit.reports.escape import clip, one_line, visible
from offerkit.reports.style import Style, indented
from offerkit.rules.values import show

Where = Callable[[Finding], str]

STEPS = {
    2: "the environment's filter",
    3: "the slice of the catalog",
    4: "categories",
    5: "the offer itself",
    6: "weights",
    7: "dynamic offers",
    8: "presentation rules",
    9: "the order",
    10: "post-processing",
    11: "how many, and each once",
    12: "rendering",
}


def explanation_text(trace: DecisionTrace, style: Style, width: int, where: Where) -> list[str]:
    """The steps in order with the offers that each left out and why; then the proposed offers with their weights."""
    lines = [style.bold("Why")]
    if trace.environment is not None:
        return [*lines, *_finding("  ", "everything", trace.environment, style, width, where)]
    if trace.slice is not None:
        lines.append(f"  3 · {_slice(trace.slice)}")
    out = sorted((v for v in trace.offers if v.out is not None and not _beyond(v)), key=_order)
    for step, group in groupby(out, key=lambda verdict: verdict.out.step if verdict.out else 0):
        members = list(group)
        lines.append(f"  {step} · {STEPS[step]}: {len(members)} left out")
        for verdict in members:
            if verdict.out is not None:
                lines += _finding("      ", verdict.offer, verdict.out, style, width, where)
                lines += _notes(verdict, "        ", width)
    return [*lines, *_ranked(trace, style, width)]


def _ranked(trace: DecisionTrace, style: Style, width: int) -> list[str]:
    """The proposed offers and the next ones, with their weights aligned."""
    chosen = sorted((v for v in trace.offers if v.out is None), key=_rank)
    beyond = sorted(filter(_beyond, trace.offers), key=_rank)
    if not chosen and not beyond:
        return ["  Nothing is left to propose."]
    column = min(max(len(verdict.offer) for verdict in (*chosen, *beyond)), 40)
    lines = [f"  ✓ {len(chosen)} proposed"] if chosen else ["  Nothing is left to propose."]
    for verdict in chosen:
        name = style.green(verdict.offer) + " " * (column - len(verdict.offer))
        lines.append(f"     {verdict.rank or 0:3}. {name}  {_weight(verdict)}")
        lines += _notes(verdict, "          ", width)
    if beyond:
        step = REASONS[ExclusionReason.BEYOND_N].step
        lines.append(f"  {step} · {STEPS[step]}: {len(beyond)} would come next")
    for verdict in beyond:
        rank = f"{verdict.rank:3}." if verdict.rank else "    "
        lines.append(f"     {rank} {verdict.offer:{column}}  {_weight(verdict)}")
        lines += _notes(verdict, "          ", width)
    return lines


def _beyond(verdict: OfferTrace) -> bool:
    """Eligible in every way, and not among the first n."""
    return verdict.out is not None and verdict.out.reason is ExclusionReason.BEYOND_N


def _rank(verdict: OfferTrace) -> tuple[int, str]:
    return verdict.rank or 10**9, verdict.offer


def _notes(verdict: OfferTrace, lead: str, width: int) -> list[str]:
    return [row for note in verdict.notes for row in indented(lead, visible(note), width)]


def _order(verdict: OfferTrace) -> tuple[int, str, str]:
    finding = verdict.out
    return (finding.step, finding.reason, verdict.offer) if finding is not None else (0, "", verdict.offer)


def _slice(part: SliceTrace) -> str:
    named = [f"below {', '.join(part.categories)}"] if part.categories else []
    named += [f"with theme {' or '.join(part.themes)}"] if part.themes else []
    match part.source:
        case SliceSource.WHOLE:
            source = "the whole catalog"
        case SliceSource.DEFAULTS:
            source = f"the space's defaults: {' and '.join(named)}"
        case _:
            source = f"asked: {' and '.join(named)}"
    always = f", and always {', '.join(part.always)}" if part.always else ""
    return visible(f"{source}{always}: {part.size} offers")


def _weight(verdict: OfferTrace) -> str:
    text, weight = f"weight {show(verdict.weight)}", verdict.weight
    if verdict.weight_before is not None:
        weight = verdict.weight_before
        text += f", given by post-processing instead of {show(weight)}"
    if verdict.multipliers and verdict.number is not None and weight is not None:
        before = show(verdict.number)
        if times(verdict.number, verdict.multipliers) != weight:
            shares = [factor for _, factor in verdict.multipliers]
            before = f"{show(plain_number(weight / prod(shares)))} (its product)"
        factors = " ".join(f"× {show(factor)} ({category})" for category, factor in verdict.multipliers)
        text += f" = {before} {factors}"
    return visible(text)


def _finding(lead: str, name: str, finding: Finding, style: Style, width: int, where: Where) -> list[str]:
    lines = indented(f"{lead}{style.red(name)}  ", visible(finding.sentence), width + (len(style.red("")) or 0))
    further = lead + "  "
    if finding.text and finding.text not in finding.sentence:
        lines += indented(further, visible(clip(one_line(finding.text), 300)), width)
    unsaid = [(field, value) for field, value in finding.values if f"{field} is " not in finding.sentence]
    if unsaid:
        values = ", ".join(f"{field} = {clip(show(value), 60)}" for field, value in unsaid)
        lines += indented(further, visible(values), width)
    position = where(finding)
    at = " ".join(filter(None, [finding.address, path_text(finding.path), f"({position})" if position else ""]))
    return [*lines, style.dim(f"{further}{visible(at)}")] if at else lines


def explanation_json(trace: DecisionTrace, where: Where) -> Json:
    """The same as JSON."""
    part = trace.slice
    return {
        "environment": None if trace.environment is None else _finding_json(trace.environment, where),
        "slice": None if part is None else _slice_json(part),
        "offers": list(_verdicts_json(trace, where)),
    }


def _slice_json(part: SliceTrace) -> Json:
    return {
        "source": str(part.source),
        "categories": list(part.categories),
        "themes": list(part.themes),
        "always": list(part.always),
        "size": part.size,
    }


def _verdicts_json(trace: DecisionTrace, where: Where) -> Iterator[Json]:
    for verdict in trace.offers:
        before = verdict.weight_before
        yield {
            "offer": verdict.offer,
            "category": verdict.category,
            "rank": verdict.rank,
            "weight": None if verdict.weight is None else show(verdict.weight),
            **({} if before is None else {"weight_before": show(before)}),
            "multipliers": {category: show(factor) for category, factor in verdict.multipliers},
            "out": None if verdict.out is None else _finding_json(verdict.out, where),
            "notes": list(verdict.notes),
        }


def _finding_json(finding: Finding, where: Where) -> Json:
    return {
        "why": str(finding.reason),
        "step": finding.step,
        "reason": finding.sentence,
        "address": finding.address,
        "path": list(finding.path),
        "position": where(finding),
        "expression": finding.text,
        "values": {name: show(value) for name, value in finding.values},
    }
