"""What reads and erases contacts' data through a server: the part of its backend about contacts.

Both sides of the protocol are here. Keys travel in bodies, never in addresses, which servers and proxies log.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from offerkit.diagnostics import Code, Diagnostic, Severity, refuse
from offerkit.fingerprint import Json
from offerkit.store.remote import RemoteStore, diagnostic_of, error_json, strange
from offerkit.usecases.requests import ContactExport, ContactRequest, ErasureOutcome, lock_wait_ms

if TYPE_CHECKING:
    from offerkit.engine.explained import ExplainedProposition
    from offerkit.reports.contact_erasure import ContactErasure
    from offerkit.usecases.session import Session

EXPLAIN = "/api/v1/explain"
EXPORT_CONTACT, ERASE_CONTACT, CLEAR = "/api/v1/contact/export", "/api/v1/contact/erase", "/api/v1/contact/clear"


@dataclass(frozen=True)
class ServerContacts:
    """A server has the store and the files of deliveries."""

    remote: RemoteStore

    def explain(self, session: Session, id_: str, *, present: bool) -> ExplainedProposition:
        """What decided a stored proposition, for operators who may read contacts."""
        from offerkit.engine.explained import ExplainedProposition

        return self.remote.typed(ExplainedProposition, EXPLAIN, {"proposition": id_, "present": present})

    def export_contact(self, session: Session, request: ContactRequest) -> ContactExport:
        """Everything that is stored about a contact, for operators who may read contacts."""
        match self.remote.post(EXPORT_CONTACT, _asked(request)):
            case {"export": dict(data), "warnings": warnings}:
                return ContactExport(data, self._warnings(warnings))
            case _:
                raise strange(self.remote.url)

    def plan_erasure(self, session: Session, request: ContactRequest) -> ErasureOutcome:
        """What would be erased."""
        return self._erased(session, request, dry_run=True)

    def erase_contact(self, session: Session, request: ContactRequest) -> ErasureOutcome:
        """Let the server erase a contact, as the token's operator."""
        with session.existing():  # is it still the store that was seen before?
            pass
        outcome = self._erased(session, request, dry_run=False)
        if session.heads is not None:
            session.heads.remember_reported(outcome.erasure.revision, outcome.erasure.digest, session.now)
        return outcome

    def clear_erased(self, session: Session, request: ContactRequest) -> list[Diagnostic]:
        """Let the server clear what deleted rows left in the store's files."""
        match self.remote.post(CLEAR, _asked(request)):
            case {"left": left}:
                return self._diagnostics(left)
            case _:
                raise strange(self.remote.url)

    def _erased(self, session: Session, request: ContactRequest, *, dry_run: bool) -> ErasureOutcome:
        wait = lock_wait_ms(session.lock_timeout)
        more: dict[str, Json] = {"dry_run": dry_run, "message": session.message, "lock_wait_ms": wait}
        match self.remote.post(ERASE_CONTACT, {**_asked(request), **more}):
            case {"erasure": dict(erasure), "warnings": warnings}:
                return ErasureOutcome(self._erasure(erasure), self._warnings(warnings))
            case _:
                raise strange(self.remote.url)

    def _erasure(self, answer: Mapping[str, Any]) -> ContactErasure:
        from pydantic import TypeAdapter, ValidationError

        from offerkit.reports.contact_erasure import ContactErasure

        try:
            return TypeAdapter(ContactErasure).validate_python(answer)
        except ValidationError:
            raise strange(self.remote.url) from None

    def _warnings(self, answer: object) -> tuple[Diagnostic, ...]:
        return tuple(replace(found, severity=Severity.WARNING) for found in self._diagnostics(answer))

    def _diagnostics(self, answer: object) -> list[Diagnostic]:
        try:
            return [diagnostic_of(each) for each in answer] if isinstance(answer, list) else []
        except ValueError:
            raise strange(self.remote.url) from None


def _asked(request: ContactRequest) -> dict[str, Json]:
    """A request's body. Raises Refused if it names folders: they are folders of this machine."""
    if request.folders:
        raise refuse(
            Code.REMOTE_NOT_THERE,
            "--files does not work through a server: it names folders of this machine",
            detail="The server searches where deliveries wrote their files.",
            hint="Leave it out, or run the command on the server's machine to search other folders.",
        )
    return {"key": request.key, "environments": list(request.environments)}


def explained_json(explained: ExplainedProposition) -> Json:
    """The answer to :data:`EXPLAIN`."""
    from pydantic import TypeAdapter

    from offerkit.engine.explained import ExplainedProposition

    answer: Json = TypeAdapter(ExplainedProposition).dump_python(explained, mode="json")
    return answer


def exported_json(export: ContactExport) -> Json:
    """The answer to :data:`EXPORT_CONTACT`."""
    return {"export": dict(export.data), "warnings": _json(export.warnings)}


def erased_json(outcome: ErasureOutcome) -> Json:
    """The answer to :data:`ERASE_CONTACT`."""
    return {"erasure": asdict(outcome.erasure), "warnings": _json(outcome.warnings)}


def cleared_json(left: Iterable[Diagnostic]) -> Json:
    """The answer to :data:`CLEAR`."""
    return {"left": _json(left)}


def _json(diagnostics: Iterable[Diagnostic]) -> list[Json]:
    return [error_json(each) for each in diagnostics]
