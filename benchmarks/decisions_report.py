"""Turn what was measured of decisions into the Markdown of docs/benchmarks.md: plain functions of data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from decisions_catalog import HISTORY
from decisions_eligibility import Agreement, Eligibility
from decisions_engine import CATEGORY, MET, NEVER_MET, THEME, WHOLE, Growth, ManyRules, Start
from decisions_measure import Latency, Spread
from decisions_ways import CEL, OFFERKIT, ZEN
from report import MEGABYTE, Machine

WANTED_RATIO, WANTED_P99, WANTED_START = 20, 5e-3, 1.0
WANTED_NEVER_MET = 3
WANTED_MANY_RULES = {MET: 0.2e-3, NEVER_MET: 0.6e-3}


@dataclass(frozen=True, slots=True)
class Measured:
    """One run."""

    about: Machine
    pinned: bool
    contacts: int
    rounds: int
    stored: int
    eligibility: Eligibility
    growth: Sequence[Growth]
    many_rules: ManyRules
    storing: Mapping[str, Latency]
    starts: Sequence[Start]
    memory: Mapping[str, int]


def markdown(run: Measured) -> str:
    """Return the whole section."""
    parts = [
        *_heading(run),
        *_wanted(run),
        *_eligibility(run.eligibility),
        *_decisions(run),
        *_growth(run.growth),
        *_many_rules(run.many_rules),
        *_storing(run),
        *_start(run),
    ]
    return "\n".join(parts) + "\n"


def _heading(run: Measured) -> Iterator[str]:
    versions = ", ".join(f"{name} {version}" for name, version in run.about.versions.items())
    core = "one core (pinned)" if run.pinned else "one core's worth of one process (not pinned)"
    yield "# Decisions, measured"
    yield ""
    yield (
        f"Machine: {run.about.processor}, {run.about.memory_gigabytes} GiB, {run.about.system}, Python "
        f"{run.about.python}; {core}. Versions: {versions}."
    )
    yield ""
    yield (
        f"Each figure is the median of {run.rounds} rounds after one that is not counted, with the least and the most "
        f"in brackets. {run.contacts:,} generated contacts, each with {HISTORY} propositions before."
    )
    yield ""


def _wanted(run: Measured) -> Iterator[str]:
    found = run.eligibility
    first = run.growth[0]
    largest = run.growth[-1]
    yield "## What is promised"
    yield ""
    yield "| Promise | Wanted | Measured | Kept |"
    yield "|---|--:|--:|---|"
    ours = found.best(OFFERKIT).seconds.median
    for peer in (ZEN, CEL):
        for title, theirs in (("a rule at a time", found.usual(peer)), ("its fastest way", found.best(peer))):
            ratio = theirs.seconds.median / ours
            kept = _yes(ratio >= WANTED_RATIO)
            yield f"| Eligibility, beside {peer}, {title} | ≥ {WANTED_RATIO}× | {ratio:,.1f}× | {kept} |"
    ratio = found.best(ZEN).seconds.median / found.never_met.seconds.median
    title = f"Eligibility, beside {ZEN}, its fastest way, {NEVER_MET}"
    yield f"| {title} | ≥ {WANTED_NEVER_MET}× | {ratio:,.1f}× | {_yes(ratio >= WANTED_NEVER_MET)} |"
    for title, wanted in WANTED_MANY_RULES.items():
        p50 = run.many_rules.engine[title].p50.median
        title = f"A decision, {run.many_rules.shape.offers:,} offers and rules, {title}"
        yield f"| {title} | ≤ {_ms(wanted)} | {_ms(p50)} | {_yes(p50 <= wanted)} |"
    p99 = max(latency.p99.median for latency in first.engine.values())
    yield f"| p99 of a decision, {first.shape.offers:,} offers | < 5 ms | {_ms(p99)} | {_yes(p99 < WANTED_P99)} |"
    times = largest.shape.offers / first.shape.offers
    for kind in (CATEGORY, THEME):
        grown = largest.engine[kind].p50.median / first.engine[kind].p50.median
        title = f"Cost {kind}, {times:g} times the offers"
        yield f"| {title} | < {times:g}× | {grown:.1f}× | {_yes(grown < times)} |"
    start = run.starts[0].compile.median
    yield f"| Engine start, {run.starts[0].offers:,} offers | < 1 s | {start:.2f} s | {_yes(start < WANTED_START)} |"
    yield ""


def _eligibility(found: Eligibility) -> Iterator[str]:
    ours = found.best(OFFERKIT).seconds.median
    yield f"## Eligibility: {found.rules} distinct rules for one contact"
    yield ""
    yield "| Engine | Way | A contact | Rules a second | Slower than offerkit's fastest |"
    yield "|---|---|--:|--:|--:|"
    for each in found.timed:
        rate = found.rules / each.seconds.median
        ratio = each.seconds.median / ours
        yield f"| {each.peer} | {each.title} | {_micro(each.seconds)} | {rate:,.0f} | {ratio:,.1f}× |"
    yield ""
    yield f"Of all answers {found.share:.0%} are “eligible”. How far the peers agree, rule by rule:"
    yield ""
    yield "| Contacts | Peer | Answers compared | Eligible only for the peer | Only for offerkit | Peer fails |"
    yield "|---|---|--:|--:|--:|--:|"
    for title, rows in (("nothing unknown", found.complete), ("something unknown", found.unknown)):
        for row in rows:
            yield f"| {title} ({row.contacts:,}) | {row.peer} | {_agreement(row)} |"
    yield ""


def _agreement(row: Agreement) -> str:
    return f"{row.answers:,} | {row.eligible_only_there:,} | {row.eligible_only_here:,} | {row.failed:,}"


def _decisions(run: Measured) -> Iterator[str]:
    first = run.growth[0]
    shape = first.shape
    yield f"## Whole decisions, {shape.offers:,} live offers"
    yield ""
    yield (
        f"{shape.categories} categories, {shape.rules} distinct rules, {shape.themes} themes, 5 presentation rules; "
        "the call is checked, three offers are asked for, and history is in memory. The plain loop asks every offer in "
        "turn, with the same compiled rules, and shares nothing between offers. “p99” is on the wall, “p99, core” "
        "leaves out what the machine did meanwhile for others."
    )
    yield ""
    heads = ["Call", "Offers in the slice", "May be proposed", "p50", "p99", "p99, core", "Decisions a second"]
    yield "| " + " | ".join([*heads, "Plain loop, p50", "Faster"]) + " |"
    yield "|---|--:|--:|--:|--:|--:|--:|--:|--:|"
    for kind, latency in first.engine.items():
        slice_, eligible = first.considered[kind]
        loop = first.loop[kind].p50.median
        cells = [
            kind,
            f"{slice_:,.0f}",
            f"{eligible:,.0f}",
            _micro(latency.p50),
            _micro(latency.p99),
            _micro(latency.p99_cpu),
        ]
        cells += [_rate(latency.rate), _ms(loop), f"{loop / latency.p50.median:,.1f}×"]
        yield "| " + " | ".join(cells) + " |"
    yield ""


def _growth(growth: Sequence[Growth]) -> Iterator[str]:
    first = growth[0]
    yield "## How it grows"
    yield ""
    yield (
        "Categories, themes and distinct rules grow with the square root of the catalog, so a category or a theme "
        "doubles when the catalog is four times as large. Medians; in brackets, times the first row."
    )
    yield ""
    kinds = (WHOLE, CATEGORY, THEME)
    heads = " | ".join(f"{kind}, p50 | p99" for kind in kinds)
    yield f"| Offers | Categories | Rules | {heads} | plain loop, p50 |"
    yield "|--:|--:|--:|" + "--:|--:|" * len(kinds) + "--:|"
    for row in growth:
        cells = [f"{row.shape.offers:,}", f"{row.shape.categories}", f"{row.shape.rules}"]
        for kind in kinds:
            p50, p99 = row.engine[kind].p50.median, row.engine[kind].p99.median
            cells += [_grown(p50, first.engine[kind].p50.median), f"{p99 * 1e6:,.0f} µs"]
        cells.append(_grown(row.loop[WHOLE].p50.median, first.loop[WHOLE].p50.median))
        yield "| " + " | ".join(cells) + " |"
    yield ""


def _many_rules(found: ManyRules) -> Iterator[str]:
    shape = found.shape
    yield f"## {shape.offers:,} offers with {shape.rules:,} distinct rules"
    yield ""
    yield (
        f"The whole catalog, {shape.categories} categories, 5 presentation rules, the history in memory. Of contacts "
        "never met before, the index of rules has looked up nobody but those asked before them in the same round."
    )
    yield ""
    yield "| | p50 | p99 | p99, core | Decisions a second |"
    yield "|---|--:|--:|--:|--:|"
    for title, latency in found.engine.items():
        yield "| " + " | ".join([title, *_latency(latency)]) + " |"
    yield ""


def _storing(run: Measured) -> Iterator[str]:
    yield "## With storing"
    yield ""
    yield (
        f"{run.growth[0].shape.offers:,} offers, the whole catalog; SQLite with {run.stored:,} propositions stored "
        "before, three more each time propositions are stored, one transaction a call."
    )
    yield ""
    yield "| | p50 | p99 | p99, core | Decisions a second |"
    yield "|---|--:|--:|--:|--:|"
    for title, latency in run.storing.items():
        yield "| " + " | ".join([title, *_latency(latency)]) + " |"
    yield ""


def _start(run: Measured) -> Iterator[str]:
    yield "## Start and memory"
    yield ""
    yield "| Offers | Compile | To the end of the first decision |"
    yield "|--:|--:|--:|"
    for row in run.starts:
        yield f"| {row.offers:,} | {_seconds(row.compile)} | {_seconds(row.first)} |"
    yield ""
    stages = "; ".join(f"after {title} {peak / MEGABYTE:,.0f} MB" for title, peak in run.memory.items())
    yield (
        "Peak memory of the benchmark's process (the generated stages, contacts and histories, the plain loop and "
        f"the engine together): {stages}."
    )


def _latency(each: Latency) -> list[str]:
    return [_micro(each.p50), _micro(each.p99), _micro(each.p99_cpu), _rate(each.rate)]


def _yes(kept: bool) -> str:
    return "yes" if kept else "**no**"


def _micro(each: Spread) -> str:
    low, middle, high = (f"{value * 1e6:,.3g}" if value < 1e-3 else f"{value * 1e6:,.0f}" for value in _values(each))
    return f"{middle} µs ({low}–{high})"


def _seconds(each: Spread) -> str:
    low, middle, high = (f"{value:.2f}" for value in _values(each))
    return f"{middle} s ({low}–{high})"


def _rate(each: Spread) -> str:
    return f"{each.median:,.0f} ({each.least:,.0f}–{each.most:,.0f})"


def _values(each: Spread) -> tuple[float, float, float]:
    return each.least, each.median, each.most


def _ms(value: float) -> str:
    return f"{value * 1e3:,.2f} ms"


def _grown(value: float, first: float) -> str:
    return f"{value * 1e6:,.0f} µs ({value / first:.1f}×)"
