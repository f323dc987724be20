"""Access to a local store and local contacts; which of the backends a session gets is chosen once, when it opens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from offerkit.applier import Applied
    from offerkit.diagnostics import Diagnostic
    from offerkit.engine.explained import ExplainedProposition
    from offerkit.engine.impact import Impact
    from offerkit.engine.status_report import StatusReport
    from offerkit.fingerprint import Json
    from offerkit.governance.approvals import Decision
    from offerkit.governance.rights import Actor
    from offerkit.plans.plan import Plan
    from offerkit.store import RevisionRow, Store
    from offerkit.usecases.requests import (
        ApprovalOutcome,
        ApprovalRequest,
        ContactExport,
        ContactRequest,
        ErasureOutcome,
        ExportedPage,
        ExportRequest,
        ImpactRequest,
        KeptSimulations,
        OverrideOutcome,
        OverrideRequest,
        RelayOutcome,
        RelayRequest,
        ScheduleRequest,
        SimulationsRequest,
        StatusReportRequest,
        StopOutcome,
        StopRequest,
    )
    from offerkit.usecases.session import Session


class LocalBackend:
    """The store and the contacts are local; use cases run here."""

    history_only = False

    def require_local(self) -> None:
        """Never refuses."""

    def apply(self, session: Session, plan: Plan, actor: Actor) -> Applied:
        """Apply ``plan`` to the store."""
        from offerkit.usecases.apply import apply_here

        return apply_here(session, plan, actor)

    def decide(self, session: Session, request: ApprovalRequest, decision: Decision) -> ApprovalOutcome:
        """Approve or reject in the store."""
        from offerkit.usecases.approve import approve_or_reject_here

        return approve_or_reject_here(session, request, decision)

    def relay(self, session: Session, request: RelayRequest) -> RelayOutcome:
        """Record reviews as approvals in the store."""
        from offerkit.usecases.relay import relay_here

        return relay_here(session, request)

    def stop(self, session: Session, request: StopRequest, decision: Decision) -> StopOutcome:
        """Stop or resume in the store."""
        from offerkit.usecases.stop import stop_here

        return stop_here(session, request, decision)

    def override(self, session: Session, request: OverrideRequest) -> OverrideOutcome:
        """Record an override in the store."""
        from offerkit.usecases.override import override_here

        return override_here(session, request)

    def explain(self, session: Session, id_: str, *, present: bool) -> ExplainedProposition:
        """What decided a proposition of the store."""
        from offerkit.usecases.explain import explain_here

        return explain_here(session, id_, present=present)

    def export_contact(self, session: Session, request: ContactRequest) -> ContactExport:
        """What the store and the files of deliveries have of a contact."""
        from offerkit.usecases.contact_export import export_contact_here

        return export_contact_here(session, request)

    def plan_erasure(self, session: Session, request: ContactRequest) -> ErasureOutcome:
        """What would be erased here."""
        from offerkit.usecases.contact_erasure import plan_erasure_here

        return plan_erasure_here(session, request)

    def erase_contact(self, session: Session, request: ContactRequest) -> ErasureOutcome:
        """Erase a contact from the store and the files of deliveries."""
        from offerkit.usecases.contact_erasure import erase_contact_here

        return erase_contact_here(session, request)

    def clear_erased(self, session: Session, request: ContactRequest) -> list[Diagnostic]:
        """Clear what deleted rows left in the store's files."""
        from offerkit.usecases.contact_erasure import clear_erased_here

        return clear_erased_here(session, request)

    def impact(self, session: Session, plan: Plan, request: ImpactRequest) -> Impact:
        """The impact on the local contacts."""
        from offerkit.usecases.impact import impact_here

        return impact_here(session, plan, request)

    def impact_record(self, session: Session, store: Store, plan: Plan) -> Mapping[str, Json]:
        """The impact record from the local contacts."""
        from offerkit.usecases.impact_limit import check_losses

        return check_losses(session, store, plan)

    def schedule(self, session: Session, plan: Plan, request: ScheduleRequest) -> RevisionRow:
        """Store a promotion for its time."""
        from offerkit.usecases.schedule import schedule_here

        return schedule_here(session, plan, request)

    def withdraw_scheduled(self, session: Session, serial: int, reason: str) -> RevisionRow:
        """Take a scheduled promotion back."""
        from offerkit.usecases.schedule import withdraw_here

        return withdraw_here(session, serial, reason)

    def export_propositions(self, session: Session, request: ExportRequest) -> ExportedPage:
        """The next changes of propositions."""
        from offerkit.usecases.export_propositions import export_page_here

        return export_page_here(session, request)

    def report(self, session: Session, request: StatusReportRequest) -> StatusReport:
        """Propositions counted by groups and status."""
        from offerkit.usecases.status_report import status_report_here

        return status_report_here(session, request)

    def simulations(self, session: Session, request: SimulationsRequest) -> KeptSimulations:
        """Kept simulations: listed, read or removed."""
        from offerkit.usecases.keep_simulations import simulations_here

        return simulations_here(session, request)


LOCAL = LocalBackend()


def is_server(address: str | None) -> bool:
    """Whether --store or OFFERKIT_STORE names a server."""
    return (address or "").lower().startswith(("https://", "http://"))
