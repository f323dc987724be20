"""The bundle that ``ci plan`` writes, and that ``ci check`` and ``ci apply`` read: a folder, or a zip of it.

The index, ``offerkit-ci.json``, has everything that decisions need: the pull request, its head, and the plan's meaning.
Each environment that changes has a folder with ``comment.md``, ``report.html`` and ``report.json``; ``plan.json`` is
the plan itself, if there is a store. Readers treat a bundle as untrusted: others could have written to it.
"""

from __future__ import annotations

import io
import os
import re
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson

from offerkit.address import SHARED, valid_name
from offerkit.address import Kind as ResourceKind
from offerkit.diagnostics import Code, Refused, reason_of, refuse
from offerkit.fingerprint import canonical
from offerkit.plans.meaning import RELIES, STEP, Fact, environment_of, meaning_of, well_formed
from offerkit.specs.output_files import PLAN, FileKind, check_output, writing
from offerkit.specs.project import is_folder

FORMAT = 1
INDEX, PLAN_FILE = "offerkit-ci.json", "plan.json"
COMMENT, PAGE, REPORT = "comment.md", "report.html", "report.json"
STORE, GIT = "store", "git"
"""What a plan is made against: a store, or the specs at another commit."""

MAX_INDEX, MAX_TEXT, MAX_ARCHIVE = 64 * 1024 * 1024, 64 * 1024 * 1024, 128 * 1024 * 1024
_MOST_FILES = 10_000
_OID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_MEMBER = b"PK\x01\x02"
_HOW = "“offerkit ci plan --out DIR” writes bundles; use the one of the pull request's own run."


@dataclass(frozen=True)
class PullRequestRef:
    """A reviewed pull request: its number (0: unknown), its head and its target branch."""

    number: int = 0
    head: str = ""
    base: str = ""


@dataclass(frozen=True)
class EnvironmentPart:
    """One environment that changes: the meaning and the number of its steps in the plan.

    Resources that environments share are in a part of their own, ``shared``.
    """

    environment: str
    meaning: str
    steps: int


@dataclass(frozen=True)
class Bundle:
    """The index: ``meaning`` is the digest of ``facts``; ``against`` is :data:`STORE` or :data:`GIT`.

    ``plan``: the digest of the saved plan; empty without one.
    """

    subject: PullRequestRef
    against: str
    facts: tuple[Fact, ...]
    plan: str = ""
    offerkit: str = ""
    format: int = FORMAT

    @property
    def meaning(self) -> str:
        """The digest of the whole plan's meaning."""
        return meaning_of(self.facts)

    @property
    def parts(self) -> tuple[EnvironmentPart, ...]:
        """The environments that change, sorted."""
        steps = [environment_of(fact) for fact in self.facts if fact[0] == STEP]
        return tuple(
            EnvironmentPart(name, meaning_of(share_of(self.facts, name)), steps.count(name))
            for name in sorted(set(steps))
        )


def share_of(facts: Iterable[Fact], environment: str) -> tuple[Fact, ...]:
    """The facts about an environment, and those about shared resources that its steps rely on."""
    return tuple(
        fact
        for fact in facts
        if environment_of(fact) == environment or (fact[0] == RELIES and environment_of(fact) == SHARED)
    )


def index_bytes(bundle: Bundle) -> bytes:
    """``offerkit-ci.json``: canonical JSON with a final line end."""
    data = asdict(bundle) | {"meaning": bundle.meaning, "parts": [asdict(part) for part in bundle.parts]}
    return canonical(data) + b"\n"


def write(target: Path, files: Iterable[tuple[str, bytes]]) -> None:
    """Write the files of a bundle, each by its path in it: into a folder, or a zip if ``target`` ends in ``.zip``.

    Replaces an existing bundle. Raises Refused if the target is something else, or if a file cannot be written.
    """
    file_list = list(files)
    if target.suffix == ".zip":
        with writing(target, _ZIP, folders=True) as out:
            out.write(_zipped(file_list))
        return
    for path, _ in file_list:
        check_output(target / path, _KINDS[path.rpartition("/")[2]])
    _take_away(target)
    for path, content in file_list:
        with writing(target / path, _KINDS[path.rpartition("/")[2]], folders=True) as out:
            out.write(content)


class Opened:
    """A bundle whose index is read, and whose files are read on demand."""

    def __init__(self, bundle: Bundle, file: Callable[[str, int], bytes | None]) -> None:
        """``file`` returns the bytes of a file, up to a limit; None if it does not exist."""
        self.bundle = bundle
        self._file = file

    def text(self, environment: str, name: str) -> bytes | None:
        """A file of an environment: :data:`COMMENT`, :data:`PAGE` or :data:`REPORT`; None if it does not exist.

        Its content is untrusted.
        """
        if environment not in {part.environment for part in self.bundle.parts}:
            return None
        return self._file(f"{environment}/{name}", MAX_TEXT)

    def plan(self) -> bytes | None:
        """The bytes of the saved plan, for :func:`offerkit.plans.plan.decode`."""
        from offerkit.plans.plan import MAX_BYTES

        return self._file(PLAN_FILE, MAX_BYTES) if self.bundle.plan else None


def opened(path: Path) -> Opened:
    """The bundle at ``path``, a folder or a zip. Raises Refused if it is not one, was edited, or has a newer format.

    Nothing is extracted to disk, and only files with a bundle's names and sizes are read.
    """
    if is_folder(path):
        return _opened(path.name, lambda name, most: _in_folder(path, name, most))
    try:
        with path.open("rb") as file:
            content = file.read(MAX_ARCHIVE + 1)
    except (OSError, ValueError) as error:
        raise refuse(Code.BUNDLE, f"there is no bundle at {path!s:.200}: {reason_of(error)}", hint=_HOW) from None
    return opened_bytes(content, path.name)


def opened_bytes(content: bytes, name: str = "the bundle") -> Opened:
    """The bundle in the bytes of a zip. Raises Refused as :func:`opened` does."""
    if len(content) > MAX_ARCHIVE:
        raise _bad(name, f"is larger than {MAX_ARCHIVE // 1024**2} MB")
    if content.count(_MEMBER) > _MOST_FILES:  # checked before zipfile creates an object for each
        raise _bad(name, f"holds more than {_MOST_FILES:,} files")
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
        raise _bad(name, "is neither a folder nor a zip") from None
    members = _members(archive, name)
    tops = [member.removesuffix(INDEX) for member in members if member.endswith(f"/{INDEX}")]
    within = tops[0] if INDEX not in members and len(tops) == 1 else ""  # GitLab zips the folder, GitHub its content
    return _opened(name, lambda file, most: _in_zip(archive, members, f"{within}{file}", most, name))


def expect(bundle: Bundle, number: int = 0, head: str = "") -> None:
    """Raise Refused if ``bundle`` is of another pull request or another head; 0 and empty: unknown.

    A bundle without a number, as for forks, belongs to the pull request with its head.
    """
    known = bundle.subject.number or (number if head else 0)
    if number and known != number:
        theirs = f"pull request {bundle.subject.number}" if bundle.subject.number else "no pull request"
        raise refuse(Code.BUNDLE_OTHER, f"the bundle is of {theirs}, and this is pull request {number}", hint=_HOW)
    if head and bundle.subject.head != head:
        raise refuse(
            Code.BUNDLE_OTHER,
            f"the bundle is for commit {bundle.subject.head[:12]}, and the pull request's head is {head[:12]}",
            detail="What was reviewed is not what would be merged.",
            hint="Wait for “offerkit ci plan” to run on that head, and use its bundle.",
        )


_KINDS = {
    INDEX: FileKind("the index of a bundle", lambda head, tail: head.startswith(b'{"against":')),
    PLAN_FILE: PLAN,
    COMMENT: FileKind("a comment of offerkit", lambda head, tail: head.startswith(b"<!-- offerkit ")),
    PAGE: FileKind("a page of offerkit", lambda head, tail: head.lower().startswith(b"<!doctype html>")),
    REPORT: FileKind("a report of offerkit", lambda head, tail: head.lstrip().startswith(b"{")),
}
_ZIP = FileKind("a bundle", lambda head, tail: head.startswith(b"PK\x03\x04") and INDEX.encode() in tail)


def _zipped(files: Iterable[tuple[str, bytes]]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in files:
            archive.writestr(
                zipfile.ZipInfo(path), content, zipfile.ZIP_DEFLATED
            )  # without a time, so that the bytes stay the same
    return out.getvalue()


def _take_away(folder: Path) -> None:
    """Remove an older bundle from ``folder``, so that environments without changes are not uploaded again."""
    if not (folder / INDEX).exists():
        return
    with suppress(Refused):
        old = opened(folder).bundle
        for path in (INDEX, PLAN_FILE, *(f"{part.environment}/{name}" for part in old.parts for name in _TEXTS)):
            (folder / path).unlink(missing_ok=True)
        for part in old.parts:
            with suppress(OSError):  # it holds other files
                (folder / part.environment).rmdir()


_TEXTS = (COMMENT, PAGE, REPORT)


def _bad(name: str, why: str) -> Refused:
    return refuse(Code.BUNDLE, f"{name[:200]} {why}", hint=_HOW)


def _members(archive: zipfile.ZipFile, name: str) -> dict[str, zipfile.ZipInfo]:
    members: dict[str, zipfile.ZipInfo] = {}
    for info in archive.infolist():
        path = info.filename
        parts = path.rstrip("/").split("/")
        is_outside = path.startswith("/") or "\\" in path or "\0" in info.orig_filename or ":" in path
        if is_outside or any(part in ("", ".", "..") for part in parts):
            raise _bad(name, f"holds a file outside its folder: {path[:120]!r}")
        if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise _bad(name, f"holds something that is not a file: {path[:120]!r}")
        if path in members:
            raise _bad(name, f"holds a file twice: {path[:120]!r}")
        members[path] = info
    return members


def _in_zip(
    archive: zipfile.ZipFile, members: dict[str, zipfile.ZipInfo], path: str, limit: int, name: str
) -> bytes | None:
    info = members.get(path)
    if info is None:
        return None
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) or info.flag_bits & 1:
        raise _bad(name, f"holds {path[:120]}, compressed in an unsupported way")
    if info.file_size > limit:
        raise _bad(name, f"holds {path[:120]}, which is larger than {limit // 1024**2} MB")
    try:
        with archive.open(info) as file:
            content = file.read(limit + 1)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError, NotImplementedError):
        raise _bad(name, f"is damaged: {path[:120]} cannot be read") from None
    if len(content) > limit:
        raise _bad(name, f"holds {path[:120]}, which is larger than {limit // 1024**2} MB")
    return content


def _in_folder(folder: Path, path: str, limit: int) -> bytes | None:
    """A file below ``folder``, without following links; None if it does not exist."""
    name = folder.name
    *above, last = path.split("/")
    descriptor = -1
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        for part in above:
            inner = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = inner
        file_descriptor = os.open(last, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=descriptor)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _bad(name, f"holds {path[:120]}, which is not a file: {reason_of(error)}") from None
    finally:
        if descriptor >= 0:
            os.close(descriptor)
    with os.fdopen(file_descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(file_descriptor).st_mode):
            raise _bad(name, f"holds {path[:120]}, which is not a file")
        content = file.read(limit + 1)
    if len(content) > limit:
        raise _bad(name, f"holds {path[:120]}, which is larger than {limit // 1024**2} MB")
    return content


def _opened(name: str, file: Callable[[str, int], bytes | None]) -> Opened:
    content = file(INDEX, MAX_INDEX)
    if content is None:
        raise _bad(name, f"holds no {INDEX}")
    return Opened(_index(content, f"{name}/{INDEX}"), file)


def _index(content: bytes, name: str) -> Bundle:
    """Read the index. Raises Refused unless it is byte for byte what :func:`index_bytes` writes.

    So no key can be unknown or occur twice, and the meaning must be that of the facts.
    """
    try:
        data = orjson.loads(content)
    except orjson.JSONDecodeError:
        raise _bad(name, "is not JSON") from None
    version = data.get("format") if isinstance(data, dict) else None
    if type(version) is not int or version < 1:
        raise _bad(name, "is not the index of a bundle")
    if version > FORMAT:
        raise refuse(
            Code.BUNDLE,
            f"{name} has bundle format {version}; this offerkit reads up to {FORMAT}",
            hint="Use the same version of offerkit, or a newer one, in all jobs.",
        )
    bundle = _validated(content, name)
    fault = _odd(bundle)
    if fault:
        raise _bad(name, fault)
    if data.get("meaning") != bundle.meaning:
        raise _bad(name, "was edited: the meaning that it claims does not match its contents")
    if index_bytes(bundle) != content.rstrip(b"\r\n") + b"\n":
        raise _bad(name, "was edited after it was written")
    return bundle


def _validated(content: bytes, name: str) -> Bundle:
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(Bundle).validate_json(content, strict=True)
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors(include_url=False, include_input=False)[0]["loc"])
        raise _bad(name, f"is not the index of a bundle: {where[:120]}") from None


def _odd(bundle: Bundle) -> str:
    """A fault in an index whose types are right; empty if it has none."""
    subject = bundle.subject
    if not _OID.fullmatch(subject.head) or not 0 <= subject.number < 2**53:
        return "names no head, or no pull request"
    if bundle.against not in (STORE, GIT):
        return "does not name the state that the plan was made against"
    if not all(well_formed(fact) for fact in bundle.facts):
        return "holds a value that no plan can have"
    if tuple(sorted(set(bundle.facts))) != bundle.facts:
        return "holds an entry twice, or out of order"
    if any(name != SHARED and not valid_name(ResourceKind.ENVIRONMENT, name) for name in _environments(bundle)):
        return "names an environment with an invalid name"
    return ""


def _environments(bundle: Bundle) -> set[str]:
    return {environment_of(fact) for fact in bundle.facts}
