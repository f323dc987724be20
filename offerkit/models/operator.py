"""Operators: the people who may change, approve and promote."""

from __future__ import annotations

import re

from pydantic import field_validator
from pydantic_core import PydanticCustomError

from offerkit.address import Kind
from offerkit.models.base import Flag, Resource, Text
from offerkit.models.profiles import Profile


class Operator(Resource):
    """A person with one of the three profiles (domain.md §1); ``email`` is how git knows them."""

    kind = Kind.OPERATOR

    profile: Profile
    email: Text = ""
    enabled: Flag = True

    @field_validator("email")
    @classmethod
    def _one_address(cls, value: str) -> str:
        if value and re.fullmatch(r"[^@\s]{1,64}@[^@\s]{1,190}", value) is None:
            raise PydanticCustomError("email", "“{text}” is not an e-mail address", {"text": value[:80]})
        return value
