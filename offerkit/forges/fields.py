"""The facts of a forge's JSON, each of the type that its API says; it is hostile until it has passed here."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from offerkit.fingerprint import Json
from offerkit.forges.forge import Account


class Unlike(ValueError):  # noqa: N818 - it says what a value is like
    """A JSON value that is not what the forge's API describes; the message names the field."""


def record(value: Json, *path: str) -> dict[str, Json]:
    """The object at ``path`` of ``value``. Raises Unlike."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    if not isinstance(value, dict):
        raise Unlike(".".join(path) or "an object")
    return value


def text(value: Json, name: str) -> str:
    """The text under ``name``; null, as forges write an empty one, is the empty text. Raises Unlike."""
    found = record(value).get(name)
    if found is None:
        return ""
    if not isinstance(found, str):
        raise Unlike(name)
    return found


def number(value: Json, name: str) -> int:
    """The id or number under ``name``. Raises Unlike."""
    found = record(value).get(name)
    if not isinstance(found, int) or isinstance(found, bool) or not 0 < found < 2**63:
        raise Unlike(name)
    return found


def flag(value: Json, name: str) -> bool:
    """Whether ``name`` is true; null and left out are false. Raises Unlike."""
    found = record(value).get(name)
    if found is not None and not isinstance(found, bool):
        raise Unlike(name)
    return bool(found)


def commit_id(value: Json, name: str) -> str:
    """The commit under ``name``, in full. Raises Unlike."""
    found = text(value, name)
    if not is_commit(found):
        raise Unlike(name)
    return found


def is_commit(found: str) -> bool:
    """Whether a text is a commit's id in full, of SHA-1 or SHA-256."""
    return re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", found) is not None


def moment(value: Json, name: str) -> datetime:
    """The instant under ``name``. Raises Unlike."""
    try:
        found = datetime.fromisoformat(text(value, name))
    except ValueError:
        raise Unlike(name) from None
    if found.tzinfo is None:
        raise Unlike(name)
    return found.astimezone(UTC)


def account(value: Json, login: str) -> Account | None:
    """The account that ``value`` is, None for null; ``login`` is what the forge calls the login. Raises Unlike.

    An empty object, as GitHub has it for a commit whose address belongs to nobody, is None as well.
    """
    return Account(number(value, "id"), text(value, login)) if value else None
