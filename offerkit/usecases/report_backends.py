"""What reads propositions and kept simulations through a server: the part of its backend that reports need."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, TypeVar

from offerkit.fingerprint import Json
from offerkit.store.remote import RemoteStore, strange
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
T = TypeVar("T")


@dataclass(frozen=True)
class ServerReports:
    """A server has the store."""

    remote: RemoteStore

    def export_propositions(self, session: Session, request: ExportRequest) -> ExportedPage:
        """The next changes of propositions, for operators who may read contacts."""
        return self._typed(ExportedPage, EXPORT, asdict(request))

    def report(self, session: Session, request: StatusReportRequest) -> StatusReport:
        """Propositions counted by groups and status."""
        from offerkit.engine.status_report import StatusReport

        return self._typed(StatusReport, REPORT, asdict(request))

    def simulations(self, session: Session, request: SimulationsRequest) -> KeptSimulations:
        """Kept simulations: listed, read or removed."""
        if request.action == "remove":
            return self._typed(KeptSimulations, REMOVAL, {"names": list(request.names)})
        return self._typed(KeptSimulations, SIMULATIONS, asdict(request))

    def _typed(self, type_: type[T], path: str, request: Mapping[str, Json]) -> T:
        """The answer to a request as data of a type."""
        from pydantic import TypeAdapter, ValidationError

        try:
            return TypeAdapter(type_).validate_python(self.remote.post(path, dict(request)))
        except ValidationError:
            raise strange(self.remote.url) from None
