"""Batch decisions as one query for another engine."""

from offerkit.batch.emit.engines import DIALECTS
from offerkit.batch.emit.query import Tables, emit

__all__ = ["DIALECTS", "Tables", "emit"]
