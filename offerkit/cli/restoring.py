"""The messages of ``offerkit store restore`` before and after it restores."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from offerkit.diagnostics import Code, Diagnostic, Severity
from offerkit.governance.stops import Stops, stop_sentence
from offerkit.reports.escape import visible

if TYPE_CHECKING:
    from offerkit.governance.approvals import Approval
    from offerkit.store import RevisionRow
    from offerkit.store.tokens import TokenRow
    from offerkit.usecases.restore import Restoration, Restored, RestoreLoss

_LISTED = 30


def before(restoration: Restoration) -> Iterator[str]:
    """What restoring would change, line by line."""
    yield f"The backup {restoration.backup} verifies: {_state(restoration.last)}"
    if restoration.loss is not None:
        yield from _lost(restoration.loss)


def unreadable(restoration: Restoration) -> Diagnostic:
    """The warning if nothing can be carried over from the current store."""
    known = [visible(row.key.address) for row in Stops(restoration.stopped) if not row.key.space]
    stays = f" Known to be stopped, and stays stopped: {', '.join(known[:_LISTED])}." if known else ""
    return Diagnostic(
        Code.NOT_RESTORED,
        f"what is in the store's place cannot be read: {restoration.unreadable}",
        detail="Everything since the backup is lost: revisions, approvals, tokens and propositions. Tokens that"
        " were revoked since may be valid again, and operators that were disabled since are enabled. Contacts that were"
        " erased since are stored again. WHAT WAS STOPPED"
        f" SINCE MAY BE LIVE AGAIN: stops cannot be carried over from a store that cannot be read.{stays}",
        hint="Stop at once what must stay out (“offerkit stop”), erase contacts again, check “offerkit token list” and"
        " revoke tokens again, then apply the specs.",
        severity=Severity.WARNING,
    )


def _lost(loss: RestoreLoss) -> Iterator[str]:
    if loss.tampered:
        yield "The history of the store that is there does not verify (offerkit audit verify)."
    if loss.returning is None:
        yield "The store that is there is another project's: nothing of it stays, propositions neither."
    yield from _listed("Revisions that are lost:", map(_revision, loss.revisions))
    yield from _listed("Approvals that are lost with them, to be given again:", map(_decided, loss.approvals))
    yield from _listed("Tokens created since, which are no longer valid:", map(_token, loss.tokens))
    yield from _listed("Tokens revoked since stay revoked:", map(_token, loss.revoked))
    yield from _listed("Tokens that only the backup has, which are valid again:", map(_token, loss.revived))
    yield from _listed("What is stopped stays stopped:", (stop_sentence(row) for row in loss.stops))
    yield from _listed("Operators:", loss.operators)
    back = loss.returning
    if back is not None:
        yield f"{_counted(loss.kept, 'proposition')} stay as they are now, with deliveries and cookies."
        if back.propositions:
            yield f"{_counted(len(back.propositions), 'proposition')} that only the backup has come back."
        if back.erasures:
            yield (
                "Contacts were erased since: cookies that only the backup has stay out, and what comes back of contacts"
                " of whom the store has nothing as old comes back as that of unknown visitors."
            )
        if back.erased_until:
            yield (
                "The backup knows of contacts that were erased, and the store does not: they are erased in the store,"
                " too. The replaced store, which is kept, still has them."
            )
        names = ("/".join(run) for run in back.deliveries)
        yield from _listed("Deliveries that only the backup has come back; they were withdrawn since:", names)
    if loss.revisions and back is not None:
        yield "To undo a promotion, “offerkit rollback” is enough, and keeps all of this."


def after(restored: Restored) -> Iterator[str]:
    """What was done."""
    revision = restored.revision
    yield f"Restored. Revision {revision.serial} by {revision.actor}, {revision.digest[:12]}."
    if restored.aside is not None:
        yield f"The replaced store is kept in {restored.aside}."


def not_cleared(left: str) -> Diagnostic:
    """The warning if what was deleted of erased contacts could not be removed from the store's files."""
    return Diagnostic(
        Code.NOT_ERASED,
        "contacts are erased, but not yet overwritten in the store's files",
        detail=f"{left[0].upper()}{left[1:]}.",
        hint="The next “offerkit contact erase” does it.",
        severity=Severity.WARNING,
    )


def _listed(title: str, lines: Iterable[str]) -> Iterator[str]:
    rows = list(lines)
    if rows:
        yield title
        yield from (f"  {line}" for line in rows[:_LISTED])
        if len(rows) > _LISTED:
            yield f"  and {len(rows) - _LISTED:,} more"


def _revision(row: RevisionRow) -> str:
    return f"{row.serial}  {row.time[:19]}Z  {visible(row.actor)}  {row.action}  {visible(row.message)}".rstrip()


def _token(row: TokenRow) -> str:
    return f"{visible(row.id)} of {visible(row.operator)} {visible(row.name)}".rstrip()


def _decided(approval: Approval) -> str:
    key = approval.key
    where = f" on {key.space}" if key.space else ""
    return f"{approval.decision} {key.address}, {key.aspect}{where}, by {approval.operator}"


def _state(last: RevisionRow | None) -> str:
    if last is None:
        return "no revision yet."
    return f"{_counted(last.serial, 'revision')}, the last one {last.digest[:12]}, {last.time[:19]}Z."


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
