"""Reads fields of a forge's JSON and checks their types; until checked here, the JSON is untrusted."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from offerkit.fingerprint import Json
from offerkit.forges.forge import Account


class Unlike(ValueError):  # noqa: N818 - it describes a value
    """A JSON value unlike what the forge's API documents; the message names the field."""


def record(value: Json, *path: str) -> dict[str, Json]:
    """The object at ``path`` of ``value``. Raises Unlike."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    if not isinstance(value, dict):
        raise Unlike(".".join(path) or "an object")
    return value


def text(value: Json, name: str) -> str:
    """The text under ``name``; null, which forges write for an empty one, is the empty text. Raises Unlike."""
    field = record(value).get(name)
    if field is None:
        return ""
    if not isinstance(field, str):
        raise Unlike(name)
    return field


def number(value: Json, name: str) -> int:
    """The id or number under ``name``. Raises Unlike."""
    field = record(value).get(name)
    if not isinstance(field, int) or isinstance(field, bool) or not 0 < field < 2**63:
        raise Unlike(name)
    return field


def flag(value: Json, name: str) -> bool:
    """Whether ``name`` is true; false if it is null or missing. Raises Unlike."""
    field = record(value).get(name)
    if field is not None and not isinstance(field, bool):
        raise Unlike(name)
    return bool(field)


def commit_id(value: Json, name: str) -> str:
    """The commit under ``name``, in full. Raises Unlike."""
    commit = text(value, name)
    if not is_commit(commit):
        raise Unlike(name)
    return commit


def is_commit(text: str) -> bool:
    """Whether a text is a commit's id in full, of SHA-1 or SHA-256."""
    return re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", text) is not None


def moment(value: Json, name: str) -> datetime:
    """The instant under ``name``. Raises Unlike."""
    try:
        instant = datetime.fromisoformat(text(value, name))
    except ValueError:
        raise Unlike(name) from None
    if instant.tzinfo is None:
        raise Unlike(name)
    return instant.astimezone(UTC)


def account(value: Json, login: str) -> Account | None:
    """The account in ``value``, None for null; ``login`` is the forge's name of the login field. Raises Unlike.

    An empty object, which GitHub gives for a commit whose address belongs to no account, is None too.
    """
    return Account(number(value, "id"), text(value, login)) if value else None
