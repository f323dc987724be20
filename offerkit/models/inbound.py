"""Inbound access to an environment: allowed sites, link hosts, contact keys, and rate."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from offerkit.models.base import Integer, Part, unique_sorted

DEFAULT_RATE = 600
"""The default number of calls per minute from one network address: ten per second."""
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_ORIGIN = re.compile(rf"https?://(?:{_HOST.pattern}|\[[0-9a-f:.]{{2,45}}\])(?::[1-9][0-9]{{0,4}})?")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")


def _origin(value: str) -> str:
    if _ORIGIN.fullmatch(value) is None:
        raise PydanticCustomError(
            "origin",
            "“{text}” is not an origin; write scheme and host in lower case, as in https://www.bank.example",
            {"text": value[:80]},
        )
    return value.removesuffix(":443" if value.startswith("https:") else ":80")


def _host(value: str) -> str:
    if len(value) > 253 or _HOST.fullmatch(value) is None:
        raise PydanticCustomError(
            "host",
            "“{text}” is not a host; write it in lower case without scheme, port or path, as in bank.example",
            {"text": value[:80]},
        )
    return value


def _variable(value: str) -> str:
    if _VARIABLE.fullmatch(value) is None:
        raise PydanticCustomError(
            "variable", "“{text}” is not the name of an environment variable", {"text": value[:80]}
        )
    return value


Origins = Annotated[
    tuple[Annotated[str, AfterValidator(_origin)], ...], Field(max_length=100), AfterValidator(unique_sorted)
]
Hosts = Annotated[
    tuple[Annotated[str, AfterValidator(_host)], ...], Field(max_length=500), AfterValidator(unique_sorted)
]


class Inbound(Part):
    """The limits for calls from outside."""

    origins: Origins = Field((), description="Sites whose pages may call the server, as in https://www.bank.example.")
    redirects: Hosts = Field((), description="Hosts that status links may redirect to, including subdomains.")
    contact_keys: Literal["raw", "signed"] = Field(
        "raw", description="signed: a contact's key must have a signature (offerkit contact-key)."
    )
    key_secret_env: Annotated[str, AfterValidator(_variable)] | None = Field(
        None, description="The environment variable with the secret for signed keys."
    )
    rate: Annotated[Integer, Field(ge=1, le=1_000_000)] = Field(
        DEFAULT_RATE, description="The most calls per minute from one network address."
    )

    @model_validator(mode="after")
    def _signed_with_something(self) -> Inbound:
        if self.contact_keys == "signed" and self.key_secret_env is None:
            raise PydanticCustomError(
                "secret", "signed contact keys need key_secret_env, the environment variable with their secret"
            )
        return self
