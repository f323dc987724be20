"""Webhooks: receivers that are told of approvals, promotions and stops."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from offerkit.address import Kind
from offerkit.models.base import Flag, NameSet, Reference, Resource, references_to, unique_sorted

LONGEST_URL = 2_000
LOOPBACK = ("localhost", "127.0.0.1", "::1")

EventName = Literal[
    "approval.wanted",
    "approval.decided",
    "approval.overdue",
    "promotion.promoted",
    "promotion.blocked",
    "stage.rolled-back",
    "offers.stopped",
    "offers.resumed",
]


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
    if why := receiver_error(text):
        raise PydanticCustomError("url", "“{text}” cannot be a receiver: {why}", {"text": text[:80], "why": why})
    return text


class Webhook(Resource):
    """A receiver of events. Its secret is the environment variable ``OFFERKIT_WEBHOOK_SECRET_NAME``, never in specs."""

    kind = Kind.WEBHOOK

    url: Annotated[str, AfterValidator(_receiver)] = Field(
        description="Where events are posted: https, or http to this machine."
    )
    events: Annotated[tuple[EventName, ...], AfterValidator(unique_sorted)] = Field(
        (), description="The events to send; if empty, all."
    )
    environments: NameSet = Field((), description="The environments to tell of; if empty, all.")
    enabled: Flag = True

    def references(self) -> Iterator[Reference]:
        """The environments that it tells of."""
        for reference in references_to(("environments",), Kind.ENVIRONMENT, self.environments):
            yield reference._replace(environment=reference.name)
