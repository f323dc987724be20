"""Messages for operators elsewhere do not contain paths of this machine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from offerkit.diagnostics import Refused
from offerkit.usecases.session import Session

STORE = "the server's store"


def redacted(refused: Refused, session: Session) -> Refused:
    """``refused`` with the store called the server's, and files named from the project's folder on."""
    names = _names(session)
    return Refused(
        replace(
            diagnostic,
            summary=_cleared(diagnostic.summary, names),
            detail=_sentence(_cleared(diagnostic.detail, names)),
            hint=_sentence(_cleared(diagnostic.hint, names)),
        )
        for diagnostic in refused.diagnostics
    )


def _names(session: Session) -> list[tuple[str, str]]:
    """What stands for a place, and what is said instead; the longer before what it begins with."""
    stores = {str(session.store), *([str(session.store.resolve())] if isinstance(session.store, Path) else [])}
    root = session.project.root
    folders = {str(root.absolute()), str(root.resolve())} - {"/"}
    found = [(f"the store {name}", STORE) for name in stores] + [(name, STORE) for name in stores]
    found += [(f"{name}/", "") for name in folders] + [(name, "the project's folder") for name in folders]
    return sorted(found, key=lambda pair: -len(pair[0]))


def _cleared(text: str, names: list[tuple[str, str]]) -> str:
    for name, instead in names:
        text = text.replace(name, instead)
    return text


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] if text.startswith(STORE) else text
