"""Measure the main job, offerkit beside Terraform, in one run on one machine.

Run it from the root of the project::

    pip install -e '.[bench]'
    python benchmarks/main_job.py --sizes 1000,10000,100000 --terraform-sizes 1000,10000 \\
        --create 2000 --repeat 3 --out docs/benchmarks-main-job.md

Every run is checked to have done what it is said to have done; if one has not, there is no report and the
exit code is 1.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import measure
import report
import terraform_project
from catalog import Shape, shape_of_resources
from measure import BenchmarkError, Command, Sample
from peers import HERE, Offerkit, Peer, Project, Terraform, first_version
from report import Comparison, Series, Target

WARM, COLD, CHANGE = "No-op plan, warm", "No-op plan, cold", "Plan with one change"
CREATE, NO_REFRESH = "Apply into an empty store", "No-op plan, Terraform with -refresh=false"
FORMATTED, FORMATTED_COLD = "`fmt --check`, warm", "`fmt --check`, cold"
APPROVE, PROMOTE = "Approve everything", "Promote everything"
START = "Start: `offerkit --help`, `terraform version`"
PROMISED_RESOURCES = shape_of_resources(2000).resources
"""The promise of apply is of this many; with fewer, both need little more than their start."""
PROOF = Shape(100)
"""The small project on which the written state is compared with an applied one."""


@dataclass(slots=True)
class Bench:
    """What a whole run shares: where it works, what it was asked for, and what it has measured so far."""

    work: Path
    repeat: int
    timeout: float
    terraform_sizes: frozenset[int]
    with_no_refresh: bool
    series: dict[tuple[str, str, int], Series] = field(default_factory=dict)
    offerkit: Offerkit = field(default_factory=Offerkit)
    terraform: Terraform = field(default_factory=Terraform)
    terraform_version: str = "unknown"

    def get(self, peer: str, job: str, offers: int) -> Series | None:
        """Return what was measured, if it was."""
        return self.series.get((peer, job, offers))

    def run(self, command: Command) -> Sample:
        """Run a command once, without recording it."""
        return measure.run(command, self.work / "output.log", self.timeout)

    def finish(self, command: Command, what: str) -> Sample:
        """Run a command that all the rest depends on."""
        sample = self.run(command)
        if sample.timed_out:
            raise BenchmarkError(f"{what} exceeds {self.timeout:g} s")
        return sample

    @property
    def floor(self) -> int:
        """The least memory that could be seen in any run."""
        return max((each.floor_bytes for series in self.series.values() for each in series.samples), default=0)

    def record(self, peer: Peer, job: str, offers: int, command: Command, check: Callable[[Sample], None]) -> None:
        """Run a command, check what it did, and keep the sample; after a timeout do not try again."""
        key = (peer.name, job, offers)
        series = self.series.setdefault(key, Series(*key, self.timeout))
        if any(sample.timed_out for sample in series.samples):
            return
        sample = self.run(command)
        if not sample.timed_out:
            check(sample)
        series.samples.append(sample)
        took = f"{sample.seconds:.3f} s, {sample.peak_bytes / report.MEGABYTE:,.0f} MB"
        say(f"  {offers:>7,} {job}: {peer.name} {took}{', stopped: time limit' if sample.timed_out else ''}")


@dataclass(frozen=True, slots=True)
class Turn:
    """One peer's part in a round: what to do before, what to measure, what must then hold."""

    peer: Peer
    job: str
    before: Callable[[], None]
    command: Command
    check: Callable[[Sample], None]


def nothing() -> None:
    """Do nothing before a run."""


def say(text: str) -> None:
    """Show progress at once."""
    print(text, flush=True)


def rounds(bench: Bench, offers: int, turns: Sequence[Turn]) -> None:
    """Measure every turn once a round, every second round backwards, so that no peer always goes first."""
    for number in range(bench.repeat):
        for turn in turns if number % 2 == 0 else reversed(turns):
            turn.before()
            bench.record(turn.peer, turn.job, offers, turn.command, turn.check)


def generate_project(bench: Bench, shape: Shape, name: str, *, terraform: bool, state: bool) -> Project:
    """Write a project in a process of its own, whose memory is then no floor of what is measured."""
    project = Project(bench.work / name, shape)
    arguments = ["--offers", str(shape.offers), "--dir", str(project.directory)]
    arguments += [] if terraform else ["--only", "offerkit"]
    arguments += ["--terraform-state", bench.terraform_version] if terraform and state else []
    written = subprocess.run(
        [sys.executable, str(HERE / "generate.py"), *arguments], check=True, stdout=subprocess.PIPE, text=True
    )
    say(f"{shape.offers:,} offers: {written.stdout.strip()}")
    if terraform:
        bench.terraform.init(project)
    return project


def settle(bench: Bench, peer: Peer, project: Project) -> None:
    """Run one unmeasured plan: it fills caches, and proves that there is nothing to do."""
    sample = bench.run(peer.plan(project))
    if sample.timed_out:
        say(f"  {project.shape.offers:,} {peer.name}: even the first plan exceeds {bench.timeout:g} s")
    else:
        peer.check_no_change(sample)


def prove_state(bench: Bench) -> None:
    """Check on a small project that the state we write is the state that Terraform's own apply leaves."""
    project = generate_project(bench, PROOF, "proof", terraform=True, state=True)
    state = project.directory / "terraform" / "terraform.tfstate"
    written = state.read_text(encoding="utf-8")
    bench.terraform.forget(project)
    applied = bench.finish(bench.terraform.apply(project), "terraform apply of a small project")
    bench.terraform.check_created(applied, project)
    if not terraform_project.same_state(written, state.read_text(encoding="utf-8")):
        raise BenchmarkError("the Terraform state that is written differs from the one an apply leaves")
    say("the written Terraform state is the one an apply leaves")


def prove_resources(bench: Bench) -> None:
    """Check on a small project that offerkit plans to create each resource that Terraform is given, and no other."""
    project = generate_project(bench, PROOF, "proof", terraform=False, state=False)
    steps = bench.offerkit.planned(project)
    created = sum(step["action"] == "create" for step in steps)
    if not created == len(steps) == PROOF.resources:
        raise BenchmarkError(f"offerkit plans {len(steps)} steps, {created} of them create; not {PROOF.resources}")
    say(f"offerkit plans to create the same {created} resources")


def measure_start(bench: Bench) -> dict[str, str]:
    """Measure what each needs only to start, and return the versions."""
    versions: dict[str, str] = {}
    offerkit, terraform = bench.offerkit, bench.terraform

    def succeeded(sample: Sample) -> None:
        if sample.exit_code != 0:
            raise BenchmarkError(f"could not be started:\n{sample.output}")

    turns = [Turn(offerkit, START, nothing, offerkit.help(bench.work), succeeded)]
    asked = [(offerkit.name, offerkit.version(bench.work))]
    if bench.terraform_sizes:
        turns.append(Turn(terraform, START, nothing, terraform.version(bench.work), succeeded))
        asked.append((terraform.name, terraform.version(bench.work)))
    for name, command in asked:
        sample = bench.finish(command, f"{name} --version")
        succeeded(sample)
        versions[name] = first_version(sample)
    rounds(bench, 0, turns)
    return versions


def measure_size(bench: Bench, offers: int) -> None:
    """Measure the no-op plans and the plan with one change at one size."""
    against = offers in bench.terraform_sizes
    project = generate_project(bench, Shape(offers), f"size-{offers}", terraform=against, state=True)
    offerkit, terraform = bench.offerkit, bench.terraform
    say(f"  {offers:>7,} putting offerkit's state in place")
    applied = bench.finish(offerkit.apply(project), f"offerkit apply of {offers:,} offers")
    offerkit.check_created(applied, project)
    key = (offerkit.name, CREATE, offers)
    bench.series[key] = Series(*key, bench.timeout, [applied])
    settle(bench, offerkit, project)

    def forget_parsed() -> None:
        offerkit.forget_parsed(project)

    turns = [
        Turn(offerkit, WARM, nothing, offerkit.plan(project), offerkit.check_no_change),
        Turn(offerkit, COLD, forget_parsed, offerkit.plan(project), offerkit.check_no_change),
    ]
    if against:
        settle(bench, terraform, project)
        turns.insert(0, Turn(terraform, WARM, nothing, terraform.plan(project), terraform.check_no_change))
    if against and bench.with_no_refresh:
        strict = Terraform(plan_arguments=("-refresh=false",))
        turns.append(Turn(strict, NO_REFRESH, nothing, strict.plan(project), strict.check_no_change))
    rounds(bench, offers, turns)
    measure_change(bench, project, [offerkit, terraform] if against else [offerkit])
    bench.record(offerkit, APPROVE, offers, offerkit.approve(project), offerkit.check_approved)

    def promoted(sample: Sample) -> None:
        offerkit.check_promoted(sample, project)

    bench.record(offerkit, PROMOTE, offers, offerkit.promote(project), promoted)
    measure_format(bench, project)


def measure_format(bench: Bench, project: Project) -> None:
    """Measure the check that every file is in canonical form; the project is brought into it before."""
    offerkit, shape = bench.offerkit, project.shape
    bench.finish(offerkit.format(project), f"offerkit fmt of {shape.offers:,} offers")
    offerkit.check_formatted(bench.finish(offerkit.format(project, "--check"), "offerkit fmt --check"))
    check = offerkit.format(project, "--check")
    turns = [
        Turn(offerkit, FORMATTED, nothing, check, offerkit.check_formatted),
        Turn(offerkit, FORMATTED_COLD, lambda: offerkit.forget_parsed(project), check, offerkit.check_formatted),
    ]
    rounds(bench, shape.offers, turns)


def measure_change(bench: Bench, project: Project, peers: Sequence[Peer]) -> None:
    """Measure the plan with one change: each run another change, so that none is met from a cache."""
    revisions = iter(range(1, 2 + bench.repeat * len(peers)))
    turns = []
    for peer in peers:

        def change(peer: Peer = peer) -> None:
            project.edit(peer.name, next(revisions))

        def check(sample: Sample, peer: Peer = peer) -> None:
            peer.check_one_change(sample, project)

        turns.append(Turn(peer, CHANGE, change, peer.plan(project), check))
    rounds(bench, project.shape.offers, turns)
    for peer in peers:
        project.edit(peer.name, 0)


def measure_create(bench: Bench, shape: Shape) -> None:
    """Measure an apply that creates everything."""
    against = bool(bench.terraform_sizes)
    project = generate_project(bench, shape, "create", terraform=against, state=False)
    peers: list[Peer] = [bench.terraform, bench.offerkit] if against else [bench.offerkit]
    turns = []
    for peer in peers:

        def forget(peer: Peer = peer) -> None:
            peer.forget(project)

        def check(sample: Sample, peer: Peer = peer) -> None:
            peer.check_created(sample, project)

        turns.append(Turn(peer, CREATE, forget, peer.apply(project), check))
    rounds(bench, shape.offers, turns)


def comparisons(bench: Bench, sizes: Sequence[int], create: Shape) -> list[Comparison]:
    """Put what was measured side by side, smallest first."""
    rows = [Comparison(START, Shape(0), bench.get("offerkit", START, 0), bench.get("terraform", START, 0))]
    for job, ours, theirs in ((WARM, WARM, WARM), (COLD, COLD, WARM), (NO_REFRESH, WARM, NO_REFRESH)):
        for size in sizes:
            pair = bench.get("offerkit", ours, size), bench.get("terraform", theirs, size)
            if job != NO_REFRESH or pair[1]:
                rows.append(Comparison(job, Shape(size), *pair))
    wanted = [(CHANGE, sizes), (CREATE, sorted({create.offers, *sizes})), (APPROVE, sizes), (PROMOTE, sizes)]
    for job, offers in wanted:
        for size in offers:
            pair = bench.get("offerkit", job, size), bench.get("terraform", job, size)
            rows.append(Comparison(job, Shape(size), *pair))
    rows += [
        Comparison(job, Shape(size), bench.get("offerkit", job, size), None)
        for job in (FORMATTED, FORMATTED_COLD)
        for size in sizes
    ]
    return rows


def promises(bench: Bench, create: Shape) -> list[Target]:
    """Return the promises of the project that this run was wide enough to judge."""
    size, large = 10_000, 100_000
    theirs = bench.get("terraform", WARM, size)
    changed = bench.get("offerkit", CHANGE, size), bench.get("terraform", CHANGE, size)
    created = bench.get("offerkit", CREATE, create.offers), bench.get("terraform", CREATE, create.offers)
    largest = bench.get("offerkit", WARM, large)
    found = [
        Target("No-op plan, 10,000 offers, warm", bench.get("offerkit", WARM, size), theirs, 100, 15),
        Target("No-op plan, 10,000 offers, cold", bench.get("offerkit", COLD, size), theirs, 12, 6),
        Target("Plan with one change, 10,000 offers", *changed, 50),
        Target(f"Apply creating {create.resources:,} resources", *created, 80),
        Target("Warm no-op plan, 100,000 offers, beside Terraform's 10,000", largest, theirs, 12),
    ]
    if create.resources < PROMISED_RESOURCES:
        found = [target for target in found if target.ours is not created[0]]
    found = [target for target in found if target.ours and target.theirs]
    return [*found, Target("`offerkit --help`", bench.get("offerkit", START, 0), None, within=0.15)]


def run(bench: Bench, sizes: Sequence[int], create: Shape) -> str:
    """Measure everything, and return the report."""
    versions = measure_start(bench)
    bench.terraform_version = versions.get("terraform", "unknown")
    prove_resources(bench)
    if bench.terraform_sizes:
        prove_state(bench)
    for size in sizes:
        measure_size(bench, size)
    if create.offers:
        measure_create(bench, create)
    about = report.machine(versions)
    rows = comparisons(bench, sizes, create)
    return report.markdown(about, rows, promises(bench, create), bench.repeat, bench.floor)


def numbers(text: str) -> list[int]:
    """Read a comma-separated list of sizes; an empty text is none."""
    return sorted({int(part) for part in text.split(",") if part.strip()})


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Measure the main job of offerkit beside Terraform.")
    add = parser.add_argument
    add("--sizes", type=numbers, default=[1000, 10000, 100000], help="numbers of offers")
    add("--terraform-sizes", type=numbers, default=[1000, 10000], help="where Terraform is run too")
    add("--create", type=int, default=2000, help="resources that the apply creates; 0: no apply")
    add("--repeat", type=int, default=3, help="runs of each, of which the median is taken")
    add("--timeout", type=float, default=900, help="seconds after which a command is stopped")
    add("--no-refresh", action="store_true", help="measure Terraform's plan with -refresh=false too")
    add("--out", type=Path, help="where to write the report; it is always printed")
    add("--raw", type=Path, help="where to write every run as JSON")
    add("--work", type=Path, help="a directory to work in and keep; else a temporary one")
    return parser.parse_args()


def main() -> int:
    """Measure what the command line asks for, print the report and write it where it is wanted."""
    options = arguments()
    terraform_sizes = frozenset(options.terraform_sizes) & frozenset(options.sizes)
    create = shape_of_resources(options.create) if options.create else Shape(0)
    with tempfile.TemporaryDirectory(prefix="offerkit-benchmark-") as temporary:
        work = options.work.resolve() if options.work else Path(temporary)
        work.mkdir(parents=True, exist_ok=True)
        bench = Bench(work, options.repeat, options.timeout, terraform_sizes, options.no_refresh)
        try:
            text = run(bench, options.sizes, create)
        except BenchmarkError as error:
            print(f"benchmark stopped: {error}", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            print("benchmark interrupted", file=sys.stderr)
            return 130
    print("\n" + text)
    if options.out:
        options.out.write_text(text, encoding="utf-8")
    if options.raw:
        raw = [each.as_data() for each in bench.series.values()]
        options.raw.write_text(json.dumps(raw, indent=1), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
