"""Decisions for many contacts at once: the engine's rules, evaluated by DuckDB and ranked with NumPy."""

from offerkit.batch.contact_table import ContactData, ContactTable, open_contact_table
from offerkit.batch.decide import BatchRequest, DecidedChunk, batch_request, decide_all
from offerkit.batch.exclusions import Exclusions
from offerkit.batch.program import BatchProgram, batch_program
from offerkit.batch.results import FORMATS, Results

__all__ = [
    "FORMATS",
    "BatchProgram",
    "BatchRequest",
    "ContactData",
    "ContactTable",
    "DecidedChunk",
    "Exclusions",
    "Results",
    "batch_program",
    "batch_request",
    "decide_all",
    "open_contact_table",
]
