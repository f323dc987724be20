"""Emits batch decisions as one SQL query for another engine."""

from offerkit.batch.emit.engines import DIALECTS
from offerkit.batch.emit.query import emit
from offerkit.batch.emit.rule_queries import InputTables

__all__ = ["DIALECTS", "InputTables", "emit"]
