"""Measure decisions: the rules beside two peers, whole decisions beside the plain loop, storing, and the start.

Run it from the root of the project::

    pip install -e '.[bench]'
    python benchmarks/decisions.py
    python benchmarks/decisions.py --quick --json build/decisions.json

All of it is one process on one core. Answers are checked before they are timed: the peers must agree with offerkit
rule by rule, the engine with a plain loop over all offers; if they do not, there is no report and the exit code is 1.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import decisions_eligibility
import decisions_engine
import decisions_report
import report
from decisions_catalog import Shape
from decisions_measure import peak_bytes, use_one_core
from decisions_report import Measured
from decisions_rules import contacts, rules
from decisions_ways import versions
from measure import BenchmarkError


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is asked."""

    sizes: tuple[int, ...]
    contacts: int
    rounds: int
    loop_contacts: int
    stored: int
    own_rules: int
    """Offers of a catalog in which each has a rule of its own."""


FULL = Effort(sizes=(1000, 4000, 16000), contacts=3000, rounds=5, loop_contacts=100, stored=1_000_000, own_rules=10_000)
QUICK = Effort(sizes=(1000, 4000), contacts=400, rounds=3, loop_contacts=20, stored=40_000, own_rules=2_000)


def run(effort: Effort, quick: bool) -> Measured:
    """Measure everything; the engine first, so that the peers' memory is not counted as ours."""
    pinned = use_one_core()
    people = contacts(effort.contacts)
    say("start")
    starts = [decisions_engine.measure_start(size, people, effort.rounds) for size in effort.sizes]
    growth = []
    memory: dict[str, int] = {}
    for size in effort.sizes:
        say(f"decisions of {size:,} offers")
        growth.append(decisions_engine.measure_growth(size, people, effort.rounds, effort.loop_contacts))
        memory[f"decisions of {size:,} offers"] = peak_bytes()
    say(f"{effort.own_rules:,} offers with as many rules")
    many_rules = decisions_engine.measure_many_rules(effort.own_rules, people, effort.rounds)
    say(f"storing, {effort.stored:,} propositions")
    storing = decisions_engine.measure_storing(effort.sizes[0], people, effort.rounds, effort.stored)
    say("eligibility")
    rule_count = Shape(1000).rules
    eligibility = decisions_eligibility.measure(rules(rule_count), people, effort.rounds, quick)
    return Measured(
        about=report.machine(versions()),
        pinned=pinned,
        contacts=effort.contacts,
        rounds=effort.rounds,
        stored=effort.stored,
        eligibility=eligibility,
        growth=growth,
        many_rules=many_rules,
        storing=storing,
        starts=starts,
        memory=memory,
    )


def say(text: str) -> None:
    """Show progress at once, apart from the report."""
    print(text, file=sys.stderr, flush=True)


def main() -> int:
    """Measure what the command line asks for, print the report and write it where it is wanted."""
    parser = argparse.ArgumentParser(description="Measure decisions, the rules beside zen-engine and cel-python.")
    parser.add_argument("--quick", action="store_true", help="fewer contacts, rounds, sizes and stored propositions")
    parser.add_argument("--json", type=Path, help="where to write the figures as JSON")
    options = parser.parse_args()
    try:
        measured = run(QUICK if options.quick else FULL, options.quick)
    except BenchmarkError as error:
        print(f"benchmark stopped: {error}", file=sys.stderr)
        return 1
    print(decisions_report.markdown(measured), end="")
    if options.json:
        options.json.write_text(json.dumps(asdict(measured), indent=1, default=str), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
