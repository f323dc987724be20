"""``store restore``: compare a backup with the store, show what would be lost, then put the backup in place."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from offerkit.diagnostics import Code, Refused, refuse
from offerkit.fingerprint import Json
from offerkit.governance.approvals import Approval
from offerkit.governance.rights import check_administrator
from offerkit.governance.stops import Stops
from offerkit.plans.plan import Aspect
from offerkit.store import Draft, Location, RevisionRow, Store, backups, contact_data, copying, errors, write_lock
from offerkit.store.backups import OnlyInBackup
from offerkit.store.erased_contacts import ERASURES
from offerkit.store.tokens import TokenRow
from offerkit.usecases.session import Session, operators, profiles, who_is

WORKPLACE = ".restoring-"
_JUST_MADE = 60
"""Seconds that a run has to lock its new folder."""


@dataclass(frozen=True)
class RestoreLoss:
    """What restoring takes from the current store: everything after ``common``, the last revision in both.

    ``head``: the digest of the newest revision. ``operators``: whose account differs, and how. ``revoked``: tokens in
    the backup that were revoked since; ``revived``: valid tokens that only the backup has. ``stops``: current stops,
    which stay. ``kept``: the number of propositions that stay; ``returning``: what only the backup has. ``tampered``:
    whether the current store fails verification.
    """

    head: str
    common: int
    revisions: tuple[RevisionRow, ...]
    approvals: tuple[Approval, ...]
    tokens: tuple[TokenRow, ...]
    revoked: tuple[TokenRow, ...]
    revived: tuple[TokenRow, ...]
    operators: tuple[str, ...]
    kept: int
    returning: OnlyInBackup | None
    tampered: bool
    stops: tuple[Approval, ...] = ()


@dataclass(frozen=True)
class Restoration:
    """A verified backup, and the consequences of restoring it.

    ``unreadable``: why there is no :class:`RestoreLoss` (the store is missing or unreadable). ``revoked``: tokens known
    to have been revoked anyway, and when; ``stopped``: stops that are known anyway.
    """

    session: Session
    backup: Location
    prepared: Path
    last: RevisionRow | None
    head: str
    project: str
    actor: str
    loss: RestoreLoss | None
    unreadable: str = ""
    revoked: Mapping[str, str] = field(default_factory=dict)
    stopped: tuple[Approval, ...] = ()

    @property
    def nothing(self) -> bool:
        """Whether the store already has everything in the backup, with the same history."""
        loss, serial = self.loss, self.last.serial if self.last is not None else 0
        if loss is None or loss.returning is None or loss.tampered or loss.revisions or loss.tokens:
            return False
        return loss.common == serial and not (loss.returning.propositions or loss.returning.deliveries)

    @property
    def erases(self) -> bool:
        """Whether the backup knows of erased contacts whom the store still has."""
        return self.loss is not None and self.loss.returning is not None and bool(self.loss.returning.erased_until)


@dataclass(frozen=True)
class Restored:
    """The revision that records the restore, and the file with the previous store, if there was one.

    ``left``: what keeps rows of contacts that it erased in the store's files, in words; empty when nothing does.
    """

    revision: RevisionRow
    aside: Path | None = field(default=None)
    left: str = ""


@contextlib.contextmanager
def prepare_restore(session: Session, backup: Location, *, other_project: bool = False) -> Iterator[Restoration]:
    """Verify ``backup`` and compare it with the store. Changes nothing.

    Raises Refused if the backup is damaged or of another project (unless ``other_project``), or if the operator is not
    an administrator according to the store, or to the backup if the store is unreadable.
    """
    target = session.store
    if backup == target or (isinstance(backup, Path) and isinstance(target, Path) and _same(backup, target)):
        raise refuse(Code.NOT_RESTORED, "a store cannot be restored from itself", hint="Name a backup of it.")
    if isinstance(backup, Path) and not backup.exists():
        raise refuse(Code.NOT_RESTORED, f"there is no backup at {backup}", hint="Check the path.")
    with _workplace(session) as folder:
        prepared = folder / "store.db"
        backups.prepare(backup, prepared)
        with Store.open(prepared) as new:
            last, head = backups.last_revision(new.database), new.head()
            compared = Restoration(session, backup, prepared, last, head, new.project, "", None)
            compared = _compared(compared, new, other_project=other_project)
        yield compared


def restore(restoration: Restoration) -> Restored:
    """Replace the store by the backup in one step; the previous store is kept aside.

    Raises Refused if the store has changed since it was compared, or another run holds its lock.
    """
    restored = _put_in_place(restoration)
    if restoration.session.heads is not None:  # the shorter history is expected
        with Store.open(restoration.session.store) as store:
            restoration.session.heads.accepting().remember_appended(store, restoration.session.now)
    if restoration.erases:
        with Store.open(restoration.session.store, write=True) as store:
            return replace(restored, left=store.database.clear_deleted([*contact_data.PERSONAL]))
    return restored


def _put_in_place(restoration: Restoration) -> Restored:
    session = restoration.session
    draft = Draft(
        backups.ACTION, restoration.actor, session.now, session.message or f"Restored from {restoration.backup}"[:500]
    )
    if restoration.loss is None:
        return _exchanged(restoration, replace(draft, details={"replaced": None}))
    loss = restoration.loss
    with (
        Store.open(session.store, write=True) as store,
        store.lock(who=restoration.actor, timeout=session.lock_timeout, waiting=session.waiting),
        Store.open(restoration.prepared) as backup,
    ):
        backups.check_unchanged(store.database, loss.head)  # another run may have restored meanwhile
        aside = _aside(session)
        lost_serials: Json = [row.serial for row in loss.revisions]
        erasures: dict[str, Json] = {ERASURES: True} if loss.returning and loss.returning.erasures else {}
        draft = replace(draft, details={"replaced": loss.head, "revisions": lost_serials, **erasures})
        if store.database.differences():
            return _rebuilt(restoration, store, aside, draft)
        backups.set_aside(session.store, aside, restoration.prepared.with_name("aside.db"))
        revision = backups.rewrite(store.database, backup.database, loss.head, loss.returning, draft)
    return Restored(revision, aside)


def _rebuilt(restoration: Restoration, store: Store, aside: Path, draft: Draft) -> Restored:
    """Put a new file in place of a store whose tables were changed, which copying rows would not repair."""
    target, loss = _file_of(restoration.session), restoration.loss
    assert loss is not None and isinstance(target, Path)
    fresh = restoration.prepared.with_name("fresh.db")
    revision = None
    try:
        with store.transaction():
            backups.check_unchanged(store.database, loss.head)
            revision = backups.rebuild(store.database, restoration.prepared, fresh, loss.returning, draft)
            backups.exchange(target, fresh, aside)
    except Refused as refused:  # expected: the open file was replaced
        if revision is None or refused.diagnostics[0].code is not Code.STORE_REPLACED:
            raise
    assert revision is not None
    return Restored(revision, aside)


def _exchanged(restoration: Restoration, draft: Draft) -> Restored:
    session, target = restoration.session, _file_of(restoration.session)
    if not isinstance(target, Path):
        revision = backups.record(restoration.prepared, draft, restoration.revoked, restoration.stopped)
        copying.copy(restoration.prepared, target, lambda _: lambda _: None)
        return Restored(revision)
    with write_lock(target, who=restoration.actor, timeout=session.lock_timeout, waiting=session.waiting):
        _still_unreadable(session)
        aside = _aside(session)
        fresh = restoration.prepared.with_name("fresh.db")  # copies only rows, nothing else that the file may contain
        copying.copy(restoration.prepared, fresh, lambda _: lambda _: None)
        revision = backups.record(fresh, draft, restoration.revoked, restoration.stopped)
        replaced = backups.exchange(target, fresh, aside)
    return Restored(revision, aside if replaced else None)


def _still_unreadable(session: Session) -> None:
    """Raise Refused if another run has restored a readable store meanwhile."""
    sound = False
    with contextlib.suppress(Refused), Store.open(session.store) as store:
        sound = not (store.database.damage() or store.verify())
    if sound:
        raise backups.changed()


def _compared(restoration: Restoration, new: Store, *, other_project: bool) -> Restoration:
    session = restoration.session
    try:
        old = Store.open(session.store, write=True)
    except Refused as refused:
        if refused.diagnostics[0].code not in (Code.STORE_MISSING, Code.STORE_DAMAGED):
            raise
        if refused.diagnostics[0].code is Code.STORE_DAMAGED:
            _can_be_made_anew(session, refused.diagnostics[0].detail or refused.diagnostics[0].summary)
        return replace(restoration, actor=_administrator(session, new), unreadable=refused.diagnostics[0].summary)
    with old:
        with contextlib.suppress(Refused):  # read as much as possible of a damaged store
            restoration = replace(restoration, revoked=backups.revoked(old.database))
        with contextlib.suppress(Refused):
            if old.project == new.project:
                restoration = replace(restoration, stopped=tuple(old.stops()))
        try:
            damage = old.database.damage()
            loss = _loss(old, new) if not damage else None
            actor = _administrator(session, old if loss is not None and operators(old) else new)
        except Refused as refused:
            if refused.diagnostics[0].code not in (Code.STORE_DAMAGED, Code.HISTORY_BROKEN):
                raise
            loss, damage = None, [refused.diagnostics[0].detail or refused.diagnostics[0].summary]
            actor = _administrator(session, new)
        if loss is None:
            _can_be_made_anew(session, damage[0])
            return replace(restoration, actor=actor, unreadable=f"it is damaged ({damage[0][:200]})")
        if old.project != new.project and not other_project:
            raise refuse(
                Code.NOT_RESTORED,
                f"{restoration.backup} is the store of another project",
                detail=f"It belongs to project {new.project}; {session.store} belongs to {old.project}.",
                hint="Name a backup of this store, or replace it by the other project's: --other-project",
            )
        for difference in old.database.differences():
            _can_be_made_anew(session, difference)
        return replace(restoration, actor=actor, loss=loss)


def _can_be_made_anew(session: Session, wrong: str) -> None:
    """Raise Refused if the store is not a file: others may use its database schema."""
    if isinstance(session.store, Path):
        return
    raise refuse(
        Code.NOT_RESTORED,
        f"the schema of {session.store} differs from what offerkit creates: {wrong[:500]}",
        detail="It is in a shared database, so offerkit does not create it again. Nothing was changed.",
        hint="See “offerkit audit verify”. Let its owner repair or rename the schema, and restore again.",
    )


def _loss(old: Store, new: Store) -> RestoreLoss:
    same_project = old.project == new.project
    revoked = backups.revoked(old.database)
    backup_digests = new.every_digest()
    lost = tuple(row for row in old.revisions() if not same_project or backup_digests.get(row.serial) != row.digest)
    common = lost[-1].serial - 1 if lost else old.last_serial()
    backup_tokens, current_tokens = ({row.id: row for row in store.tokens()} for store in (new, old))
    return RestoreLoss(
        head=old.head(),
        common=common,
        revisions=lost,
        approvals=tuple(row for row in old.approvals() if row.revision > common and row.key.aspect is not Aspect.STOP),
        tokens=tuple(row for id_, row in current_tokens.items() if id_ not in backup_tokens),
        revoked=tuple(row for id_, row in backup_tokens.items() if id_ in revoked and not row.revoked),
        revived=tuple(
            row
            for id_, row in backup_tokens.items()
            if id_ not in current_tokens and id_ not in revoked and not row.revoked
        ),
        operators=tuple(_accounts(old, new)),
        kept=old.status().rows["proposition"] if same_project else 0,
        returning=backups.returning(old.database, new.database) if same_project else None,
        tampered=bool(old.verify()),
        stops=tuple(row for row in Stops(old.stops()) if not row.key.space) if same_project else (),
    )


def _accounts(old: Store, new: Store) -> Iterator[str]:
    """The accounts that regain or lose rights, in words."""
    current, restored = operators(old), operators(new)
    for name, body in sorted(restored.items()):
        if name not in current:
            yield f"{name} was removed since, and becomes an operator again ({body['profile']})"
        elif body.get("enabled", True) and current[name].get("enabled") is False:
            yield f"{name} was disabled since, and is enabled again ({body['profile']})"
        elif body["profile"] != current[name]["profile"]:
            yield f"{name} becomes {body['profile']} again, currently {current[name]['profile']}"
    allowed_now, allowed_then = profiles(old), profiles(new)
    for name in sorted({*allowed_now.declared, *allowed_then.declared}):
        if set(allowed_now.rights(name)) != set(allowed_then.rights(name)):
            yield f"the profile {name} allows again what it allowed then"
    for name in sorted(current.keys() - restored.keys()):
        yield f"{name} was added since, and is no longer an operator"


def _administrator(session: Session, store: Store) -> str:
    actor = who_is(session, store)
    check_administrator(actor, "restore the store")
    return actor.name


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False


def _file_of(session: Session) -> Location:
    """The store's location with symbolic links resolved."""
    return session.store.resolve() if isinstance(session.store, Path) else session.store


@contextlib.contextmanager
def _workplace(session: Session) -> Iterator[Path]:
    """A temporary folder beside the store. Removes those that killed runs left, which may hold contact data."""
    parent = _beside(session)
    for leftover in parent.glob(f"{WORKPLACE}*"):
        with _held(leftover) as free:
            if free and leftover.lstat().st_mtime < time.time() - _JUST_MADE:
                shutil.rmtree(leftover, ignore_errors=True)
    try:
        folder = tempfile.TemporaryDirectory(prefix=WORKPLACE, dir=parent)
    except OSError as error:
        raise errors.from_os(error, str(session.store)) from error
    with folder as name, _held(Path(name)):
        yield Path(name)


@contextlib.contextmanager
def _held(folder: Path) -> Iterator[bool]:
    """Lock ``folder`` while it is in use; yields whether that succeeded. The system releases the lock if the process
    dies.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        yield False
        return
    try:
        free = True
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            free = False
        yield free
    finally:
        os.close(descriptor)


def _beside(session: Session) -> Path:
    """The folder for temporary files: that of the store if it is a file."""
    store = _file_of(session)
    if session.store == session.project.store or not isinstance(store, Path):
        session.project.prepare_state()
        return session.project.state
    if not store.parent.is_dir():
        raise refuse(Code.STORE_MISSING, f"there is no folder {store.parent}", hint="Create it, or check the path.")
    return store.parent


def _aside(session: Session) -> Path:
    """An unused name for the previous store."""
    moment = "".join(letter for letter in session.now[:19] if letter.isdigit() or letter == "T")
    name = session.store.name if isinstance(session.store, Path) else session.store.schema
    folder = _beside(session)
    names = (f"{name}.replaced-{moment}Z{more}" for more in ("", *(f"-{number}" for number in range(2, 1000))))
    return next(folder / candidate for candidate in names if not (folder / candidate).exists())
