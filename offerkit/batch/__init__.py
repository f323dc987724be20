"""Decisions for many contacts at once: the same rules as the engine's, evaluated by DuckDB, ranked with NumPy."""

from offerkit.batch.decide import Batch, Decided, decide_all
from offerkit.batch.over import Over, over
from offerkit.batch.people import People, open_people
from offerkit.batch.program import Program, program
from offerkit.batch.results import FORMATS, Results

__all__ = [
    "FORMATS",
    "Batch",
    "Decided",
    "Over",
    "People",
    "Program",
    "Results",
    "decide_all",
    "open_people",
    "over",
    "program",
]
