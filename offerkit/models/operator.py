"""Operators: the users of offerkit who change, approve and promote, and jobs that act for them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, field_validator, model_validator
from pydantic_core import PydanticCustomError

from offerkit.address import Kind
from offerkit.models.base import Flag, Name, Number, Part, Period, Reference, Resource, Text
from offerkit.models.profiles import BUILT_IN_PROFILES
from offerkit.models.ssh_key import LONGEST_KEY, key_blob, key_fingerprint

LARGEST_ACCOUNT = 2**63 - 1
MAX_KEYS = 20
"""The most keys of one operator."""


def _account(value: object) -> object:
    """The number of an account; unlike logins, numbers are never renamed or reused."""
    if isinstance(value, int) and not isinstance(value, bool):
        number = value
    elif isinstance(value, Number) and re.fullmatch(r"[0-9]{1,30}", value):
        number = int(value)
    else:
        raise PydanticCustomError(
            "account",
            "“{text}” is not an account number; it is the “id” shown by https://api.github.com/users/NAME and"
            " https://gitlab.com/api/v4/users?username=NAME",
            {"text": str(value)[:80]},
        )
    if not 0 < number <= LARGEST_ACCOUNT:
        raise PydanticCustomError("account", "an account number is between 1 and {most}", {"most": LARGEST_ACCOUNT})
    return number


Account = Annotated[
    int,
    BeforeValidator(_account),
    WithJsonSchema({"type": "integer", "minimum": 1, "maximum": LARGEST_ACCOUNT}),
]


class Accounts(Part):
    """An operator's accounts on forges: numeric ids, which never change."""

    github: Account | None = Field(None, description="The id of their account on GitHub.")
    gitlab: Account | None = Field(None, description="The id of their account on GitLab.")


def _public_key(text: str) -> str:
    try:
        key_blob(text)
    except ValueError as error:  # the text is not repeated: it may be a private key
        raise PydanticCustomError("key", "this is not a public SSH key: {why}", {"why": str(error)}) from None
    return " ".join(text.split()[:2])


PublicKey = Annotated[str, AfterValidator(_public_key), WithJsonSchema({"type": "string", "maxLength": LONGEST_KEY})]
"""A public key, without its comment."""


class OperatorKey(Period):
    """A public key that verifies an operator's signatures, on whole days in UTC, both ends included."""

    key: PublicKey = Field(description="The public key, as in the file that ends in .pub.")

    @model_validator(mode="before")
    @classmethod
    def _by_key_alone(cls, value: object) -> object:
        if isinstance(value, str):
            return {"key": value}
        if isinstance(value, dict):
            return value
        raise PydanticCustomError("key", "expected a public key, or {key: KEY, from: DAY, until: DAY}")


class Operator(Resource):
    """An operator with a profile, built in or declared; ``email`` is their unique address in git.

    An *automation* applies what other operators wrote, so it is never an author and never approves or stops.
    """

    kind = Kind.OPERATOR

    profile: Name = Field(description="administrator, offer-manager, delivery-manager, or a declared profile.")
    email: Text = ""
    enabled: Flag = True
    automation: Flag = Field(
        False, description="A job, not a person: it applies what others wrote and approves nothing."
    )
    accounts: Accounts = Field(
        Accounts(), description="Their accounts for reviews of pull requests: one on each forge, not shared."
    )

    keys: tuple[OperatorKey, ...] = Field(
        (), max_length=MAX_KEYS, description="Their public SSH keys, which verify what they sign."
    )

    @field_validator("keys")
    @classmethod
    def _each_key_once(cls, keys: tuple[OperatorKey, ...]) -> tuple[OperatorKey, ...]:
        prints = [key_fingerprint(each.key) for each in keys]
        if twice := sorted({print_ for print_ in prints if prints.count(print_) > 1}):
            raise PydanticCustomError("twice", "listed twice: {keys}", {"keys": ", ".join(twice)})
        return keys

    @field_validator("email")
    @classmethod
    def _one_address(cls, value: str) -> str:
        if value and re.fullmatch(r"[^@\s]{1,64}@[^@\s]{1,190}", value) is None:
            raise PydanticCustomError("email", "“{text}” is not an e-mail address", {"text": value[:80]})
        return value

    def references(self) -> Iterator[Reference]:
        """The declared profile."""
        if self.profile not in BUILT_IN_PROFILES:
            yield Reference(("profile",), Kind.PROFILE, self.profile)
