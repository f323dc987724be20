"""Webhooks: receivers of events about approvals, promotions and stops."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from offerkit.address import Kind
from offerkit.diagnostics import suggestion
from offerkit.models.base import Flag, NameSet, Reference, Resource, references_to, unique_sorted

LONGEST_URL = 2_000
SECRET = "OFFERKIT_WEBHOOK_SECRET_"  # noqa: S105 - the name of a variable
"""The begin of the environment variables with secrets; the webhook's name follows."""
LOOPBACK = ("localhost", "127.0.0.1", "::1")

EVENTS = (
    "approval.wanted",
    "approval.decided",
    "approval.overdue",
    "promotion.promoted",
    "promotion.blocked",
    "stage.rolled-back",
    "offers.stopped",
    "offers.resumed",
)
"""What receivers can be told of."""


def variable_of(webhook: str) -> str:
    """The environment variable with the secret of ``webhook``."""
    return SECRET + webhook.upper().replace("-", "_")


def receiver_error(text: str) -> str:
    """Why ``text`` cannot be the address of a receiver; empty if it can."""
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "it is not a URL"
    if not text.isascii() or not text.isprintable() or " " in text or "\\" in text or len(text) > LONGEST_URL:
        return "it has characters that a URL cannot have, or too many"
    if parts.username is not None or parts.password is not None:
        return "it has a user or password; specs are no place for secrets"
    if parts.fragment:
        return "it has a fragment, which is never sent"
    if not host or port == 0:
        return "it names no host"
    if parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK):
        return ""
    return "it must begin with https:// (http:// only for localhost)"


def _receiver(text: str) -> str:
    if why := receiver_error(text):  # the URL is not repeated: it may hold a password
        raise PydanticCustomError("url", "this cannot be a receiver: {why}", {"why": why})
    return text


def _events(names: tuple[str, ...]) -> tuple[str, ...]:
    for place, name in enumerate(names):
        if name not in EVENTS:
            short = name.removeprefix("offerkit.")
            hint = f"Write {short}." if short in EVENTS else suggestion(name, EVENTS, f"Known: {', '.join(EVENTS)}.")
            raise PydanticCustomError(
                "events", "there is no event “{name}”", {"name": name[:80], "below": (place,), "hint": hint}
            )
    return unique_sorted(names)


class Webhook(Resource):
    """A receiver of events. Its secret is the environment variable ``OFFERKIT_WEBHOOK_SECRET_NAME``, never in specs."""

    kind = Kind.WEBHOOK

    url: Annotated[str, AfterValidator(_receiver)] = Field(
        description="Where events are posted: https, or http to this machine."
    )
    events: Annotated[
        tuple[str, ...],
        AfterValidator(_events),
        WithJsonSchema({"type": "array", "items": {"enum": [*EVENTS]}, "uniqueItems": True}),
    ] = Field((), description="The events to send; if empty, all.")
    environments: NameSet = Field((), description="The environments to tell of; if empty, all.")
    enabled: Flag = Field(True, description="Whether events are sent; if not, they wait, and none are added.")

    def references(self) -> Iterator[Reference]:
        """The environments that it tells of."""
        for reference in references_to(("environments",), Kind.ENVIRONMENT, self.environments):
            yield reference._replace(environment=reference.name)
