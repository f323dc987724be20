"""Emits batch decisions as one SQL query for another engine."""

from offerkit.batch.emit.engines import DIALECTS
from offerkit.batch.emit.query import InputTables, emit

__all__ = ["DIALECTS", "InputTables", "emit"]
