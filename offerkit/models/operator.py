"""Operators: the people who may change, approve and promote, and the jobs that act for them."""

from __future__ import annotations

import re

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from offerkit.address import Kind
from offerkit.models.base import Flag, Resource, Text
from offerkit.models.profiles import Profile


class Operator(Resource):
    """Who has one of the three profiles (domain.md §1); ``email`` is how git knows them, and is theirs alone.

    An *automation* is no person: it applies what people wrote, so it is never an author and never approves or stops.
    """

    kind = Kind.OPERATOR

    profile: Profile
    email: Text = ""
    enabled: Flag = True
    automation: Flag = Field(
        False, description="A job, not a person: it applies what others wrote, and approves nothing."
    )

    @field_validator("email")
    @classmethod
    def _one_address(cls, value: str) -> str:
        if value and re.fullmatch(r"[^@\s]{1,64}@[^@\s]{1,190}", value) is None:
            raise PydanticCustomError("email", "“{text}” is not an e-mail address", {"text": value[:80]})
        return value
