"""The store: stages, bodies, approvals and the chained history, kept across runs."""

from offerkit.store.lock import Holder, write_lock
from offerkit.store.rows import ChangeRow, Draft, RevisionRow, StageHead
from offerkit.store.store import Store

__all__ = ["ChangeRow", "Draft", "Holder", "RevisionRow", "StageHead", "Store", "write_lock"]
