"""What reads propositions and kept simulations through a server: the part of its backend that reports need."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from offerkit.store.remote import RemoteStore
from offerkit.usecases.requests import (
    ExportedPage,
    ExportRequest,
    KeptSimulations,
    SimulationsRequest,
    StatusReportRequest,
)

if TYPE_CHECKING:
    from offerkit.engine.status_report import StatusReport
    from offerkit.usecases.session import Session

EXPORT, REPORT = "/api/v1/store/propositions", "/api/v1/store/report"
SIMULATIONS, REMOVAL = "/api/v1/store/simulations", "/api/v1/store/simulations/remove"


@dataclass(frozen=True)
class ServerReports:
    """A server has the store."""

    remote: RemoteStore

    def export_propositions(self, session: Session, request: ExportRequest) -> ExportedPage:
        """The next changes of propositions, for operators who may read contacts."""
        return self.remote.typed(ExportedPage, EXPORT, asdict(request))

    def report(self, session: Session, request: StatusReportRequest) -> StatusReport:
        """Propositions counted by groups and status."""
        from offerkit.engine.status_report import StatusReport

        return self.remote.typed(StatusReport, REPORT, asdict(request))

    def simulations(self, session: Session, request: SimulationsRequest) -> KeptSimulations:
        """Kept simulations: listed, read or removed."""
        if request.action == "remove":
            return self.remote.typed(KeptSimulations, REMOVAL, {"names": list(request.names)})
        return self.remote.typed(KeptSimulations, SIMULATIONS, asdict(request))
