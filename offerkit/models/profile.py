"""Profiles: what operators may do, as a set of rights; three are built in, and a project declares more."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import Field, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from offerkit.address import SHARED_KINDS, Kind
from offerkit.diagnostics import or_list, suggestion
from offerkit.models.base import Name, NameSet, Part, Reference, Resource, references_to, unique_sorted
from offerkit.models.profiles import GRANTABLE_KINDS

MAX_RIGHTS = 100
"""The most rights of one profile."""


class ProfileRight(Part):
    """One right: a verb, for ``write`` with the kinds that may be changed, in some environments or in all."""

    verb: Literal[
        "read", "write", "approve", "promote", "purge", "stop", "deliver", "keep-simulations", "read-contacts"
    ] = Field(
        description="What may be done: read (design, through a server), write, approve, promote (and roll back and"
        " resume), purge, stop, deliver, keep-simulations, or read-contacts (through a server)."
    )
    kinds: Annotated[
        tuple[Name, ...],
        WithJsonSchema({"type": "array", "items": {"enum": [*map(str, GRANTABLE_KINDS)]}, "uniqueItems": True}),
    ] = Field((), description="For write: the kinds of resources that may be changed.")
    environments: NameSet = Field((), description="The environments where it holds; if empty, all.")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        names = [kind.value for kind in GRANTABLE_KINDS]
        if self.verb == "write" and not self.kinds:
            raise PydanticCustomError("kinds", "the verb write needs kinds", {"hint": f"Name them: {or_list(names)}."})
        if self.kinds and self.verb != "write":
            raise PydanticCustomError("kinds", "only write has kinds; {verb} covers all", {"verb": self.verb})
        for place, name in enumerate(self.kinds):
            if name not in names:
                known = (
                    "a profile cannot let anybody write {name}" if name in set(Kind) else "there is no kind “{name}”"
                )
                hint = suggestion(name, names, f"It can grant {or_list(names)}.")
                raise PydanticCustomError("kinds", known, {"name": name[:80], "below": ("kinds", place), "hint": hint})
        for name in self.kinds if self.environments else ():
            if Kind(name) in SHARED_KINDS:
                raise PydanticCustomError(
                    "kinds", "all environments share each {name}: leave environments out", {"name": name}
                )
        object.__setattr__(self, "kinds", unique_sorted(self.kinds))
        return self


class Profile(Resource):
    """A profile: the rights of the operators who have it. Nobody can declare one with a built-in name."""

    kind = Kind.PROFILE

    extends: Literal["offer-manager", "delivery-manager"] | None = Field(
        None, description="A built-in profile whose rights it has as well."
    )
    rights: tuple[ProfileRight, ...] = Field((), max_length=MAX_RIGHTS, description="What it allows.")

    def references(self) -> Iterator[Reference]:
        """The environments of its rights."""
        for number, right in enumerate(self.rights):
            for reference in references_to(("rights", number, "environments"), Kind.ENVIRONMENT, right.environments):
                yield reference._replace(environment=reference.name)
