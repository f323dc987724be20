"""Removes this machine's paths from messages for remote operators."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from offerkit.diagnostics import Refused
from offerkit.usecases.session import Session

STORE = "the server's store"


def redacted(refused: Refused, session: Session) -> Refused:
    """``refused`` with the store named “the server's store”, and files by paths relative to the project."""
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
    """Texts that name a location, with their replacements; the longest first."""
    stores = {str(session.store), *([str(session.store.resolve())] if isinstance(session.store, Path) else [])}
    root = session.project.root
    folders = {str(root.absolute()), str(root.resolve())} - {"/"}
    names = [(f"the store {name}", STORE) for name in stores] + [(name, STORE) for name in stores]
    names += [(f"{name}/", "") for name in folders] + [(name, "the project's folder") for name in folders]
    return sorted(names, key=lambda pair: -len(pair[0]))


def _cleared(text: str, names: list[tuple[str, str]]) -> str:
    for name, instead in names:
        text = text.replace(name, instead)
    return text


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] if text.startswith(STORE) else text
