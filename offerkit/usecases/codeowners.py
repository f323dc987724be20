"""``codeowners``: the file by which GitHub and GitLab request reviews, written from the reviewers in the specs.

Each file of the specs gets the reviewers who must approve its changes, by the current login of their account, or by
their e-mail address.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from offerkit.address import SHARED, Address, Kind
from offerkit.diagnostics import Code, reason_of, refuse
from offerkit.governance.aspects import contributing
from offerkit.governance.settings import environments_of, named_reviewers, settings_in
from offerkit.plans.plan import Aspect
from offerkit.specs.git import folder_in_repository
from offerkit.specs.output_files import FileKind, writing
from offerkit.state.snapshot import Snapshot
from offerkit.usecases.session import Session

HEADER = "# Written by offerkit codeowners from the reviewers that the specs name; do not edit it.\n"
CODEOWNERS = FileKind("a CODEOWNERS that offerkit wrote", lambda head, tail: head.startswith(HEADER.encode()))
PLACES = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS")
"""Where the forges look, in GitHub's order; a new file is written to the first."""
_MOST = 3 * 1024 * 1024
"""The largest file that GitHub reads, in bytes; it ignores a larger one."""
_PLAIN = re.compile(r"[A-Za-z0-9_./@+=,~%&$^(){};:'\"-]")
_EMAIL = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,190}")
_LOGIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}")
Named = Callable[[Mapping[str, Any]], str]


@dataclass(frozen=True)
class Owners:
    """The file's text, and the reviewers without an account or e-mail address to write into it, sorted."""

    text: str
    nameless: tuple[str, ...]


def codeowners(session: Session, login: Callable[[Mapping[str, Any]], str] | None = None) -> Owners:
    """CODEOWNERS for the specs on disk. ``login`` returns the login of an operator's account; empty: unknown.

    Raises Refused with every mistake in the specs.
    """
    loaded = session.load(cases=False)
    view = loaded.snapshot
    files: dict[str, set[str]] = {}
    for address, names in _reviewers(view).items():
        if names and (record := loaded.records.get(address)) is not None:
            files.setdefault(record.position.file, set()).update(names)
    called = {name: _called(view, name, login) for name in sorted({name for names in files.values() for name in names})}
    return Owners(
        "".join([HEADER, *_lines(folder_in_repository(session.project.root), files, called)]),
        tuple(name for name, text in called.items() if not text),
    )


def _reviewers(view: Snapshot) -> dict[Address, set[str]]:
    """The reviewers by address: of an offer and all it inherits from, and of an environment's settings."""
    reviewers: dict[Address, set[str]] = {}
    for offer in view.of_kind(Kind.OFFER):
        effective = view.offer(offer)
        names = {name for aspect in (Aspect.CONTENT, Aspect.ELIGIBILITY) for name in effective.reviewers(aspect)}
        for address in contributing(view, offer) if names else ():
            reviewers.setdefault(address, set()).update(names)
    for address in settings_in(view):
        for environment in environments_of(address, view):
            reviewers.setdefault(address, set()).update(named_reviewers(view, environment))
    return reviewers


def _called(view: Snapshot, name: str, login: Named | None) -> str:
    """An operator as CODEOWNERS names it: ``@login`` or an e-mail address; empty if it has neither."""
    body = view(Address(SHARED, Kind.OPERATOR, name)) or {}
    if body.get("enabled") is False:
        return ""
    account = login(body) if login is not None else ""
    if _LOGIN.fullmatch(account):
        return f"@{account}"
    email = str(body.get("email") or "")
    return email if _EMAIL.fullmatch(email) else ""


def _lines(folder: str, files: Mapping[str, Iterable[str]], called: Mapping[str, str]) -> Iterator[str]:
    """A line for each file. The last matching line counts, so lines that may match several files come first."""
    rows = [("/" + _pattern(folder + path), path, sorted(names)) for path, names in files.items()]
    for pattern, _, names in sorted(rows, key=lambda row: (not _wild(row[0]), row)):
        owners = [called[name] for name in names if called[name]]
        missing = [name for name in names if not called[name]]
        if missing:
            yield f"# {', '.join(missing)}: no account or e-mail address that CODEOWNERS can hold\n"
        yield f"{pattern} {' '.join(owners)}\n" if owners else f"# {pattern}\n"


def _wild(pattern: str) -> bool:
    return "?" in pattern or "*" in pattern


def _pattern(path: str) -> str:
    """``path`` as a pattern that matches it on both forges.

    Blanks, ``#``, ``[`` and the like have a meaning there and cannot be quoted on both forges; ``?`` replaces them.
    """
    return "".join(
        char
        if _PLAIN.fullmatch(char) or (not char.isascii() and char.isprintable())
        else "?"
        if char.isascii()
        else "*"
        for char in path
    )


def place_of(root: Path) -> Path:
    """The path of CODEOWNERS in the repository of ``root``: the existing one, or where to write it."""
    depth = len(Path(folder_in_repository(root)).parts)
    top = root.resolve().parents[depth - 1] if depth else root.resolve()
    return next((top / path for path in PLACES if (top / path).exists()), top / PLACES[0])


def save(owners: Owners, target: Path) -> None:
    """Write the file. Raises Refused if offerkit did not write the existing one, or if it is too large."""
    content = owners.text.encode()
    if len(content) > _MOST:
        raise refuse(
            Code.CODEOWNERS,
            f"CODEOWNERS would have {len(content):,} bytes",
            detail="GitHub ignores files larger than 3 MB.",
            hint="Put offers into fewer files.",
        )
    with writing(target, CODEOWNERS, folders=True) as file:
        file.write(content)


def check(owners: Owners, target: Path) -> None:
    """Raise Refused unless ``target`` is what would be written; line ends do not matter."""
    try:
        with target.open("rb") as file:
            current = file.read(_MOST + 1).decode("utf-8", "replace").replace("\r\n", "\n")
    except FileNotFoundError:
        current = ""
    except OSError as error:
        raise refuse(Code.UNREADABLE, f"{target!s:.200} cannot be read: {reason_of(error)}") from None
    if current == owners.text:
        return
    current_lines, expected_lines = (set(text.splitlines()) for text in (current, owners.text))
    differing_lines = sorted(current_lines ^ expected_lines)
    raise refuse(
        Code.CODEOWNERS,
        f"{target.name} does not match the specs" if current else f"there is no {target.name}",
        detail=f"{'Missing' if differing_lines[0] in expected_lines else 'Not any more'}: {differing_lines[0][:200]}"
        if current and differing_lines
        else "",
        hint="Run “offerkit codeowners”, and commit what it writes.",
    )
