"""The store: stages, resource bodies, approvals, the chained history and propositions."""

from offerkit.store.counted import CountedPart, CountedPropositionsReader, CountFilter
from offerkit.store.deliveries import DeliveryRun
from offerkit.store.evidence import EvidenceRow
from offerkit.store.location import Location, parse_location
from offerkit.store.lock import Holder, write_lock
from offerkit.store.proposition_rows import DataWithStatus, PropositionQuery, PropositionRow, StatusChange
from offerkit.store.propositions import changeable
from offerkit.store.rows import ChangeRow, Draft, RevisionRow, StageHead
from offerkit.store.status import StoreStatus
from offerkit.store.store import Store

__all__ = [
    "ChangeRow",
    "CountFilter",
    "CountedPart",
    "CountedPropositionsReader",
    "DataWithStatus",
    "DeliveryRun",
    "Draft",
    "EvidenceRow",
    "Holder",
    "Location",
    "PropositionQuery",
    "PropositionRow",
    "RevisionRow",
    "StageHead",
    "StatusChange",
    "Store",
    "StoreStatus",
    "changeable",
    "parse_location",
    "write_lock",
]
