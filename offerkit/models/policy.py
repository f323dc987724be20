"""Policies: conditions that every change must meet before it is applied and before it goes live."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from offerkit.address import SHARED_KINDS, Kind
from offerkit.diagnostics import suggestion
from offerkit.models.base import Expression, NameSet, Reference, Resource, references_to, unique_sorted

STEP = "step"
"""Makes a policy apply to changes of every kind."""
GOVERNED = tuple(kind.value for kind in Kind if kind not in SHARED_KINDS)
"""The kinds that a policy can apply to: those that belong to an environment."""
APPLICABLE = (*GOVERNED, STEP)
MAX_POLICIES = 100
"""The most policies of one environment; each is evaluated for every offer."""


def _applicable(words: tuple[str, ...]) -> tuple[str, ...]:
    for word in words:
        if word not in APPLICABLE:
            raise PydanticCustomError(
                "applies_to",
                "a policy cannot apply to “{word}”. {hint}",
                {"word": word[:80], "hint": suggestion(word, APPLICABLE, f"Known: {', '.join(APPLICABLE)}.")},
            )
    if not words:
        raise PydanticCustomError("applies_to", "applies_to is empty; leave it out to apply the policy to offers")
    if STEP in words and len(words) > 1:
        raise PydanticCustomError("applies_to", "step cannot be combined with kinds: it covers changes of every kind")
    return unique_sorted(words)


def _one_line(text: str) -> str:
    text = text.strip()
    if not text or not text.isprintable():
        raise PydanticCustomError("message", "a message must be one line of text")
    return text


class Policy(Resource):
    """A policy: the condition on declared or changed resources, and the consequence of a violation."""

    kind = Kind.POLICY

    applies_to: Annotated[tuple[str, ...], AfterValidator(_applicable)] = Field(
        ("offer",),
        description="The kinds it applies to (offer, category, …), or step: every change of any kind.",
    )
    require: Expression = Field(
        description="The condition that must hold; if it is false or unknown, the policy is violated."
    )
    severity: Literal["deny", "warn"] = Field(
        "deny", description="deny: a violating change is neither applied nor promoted; warn: the plan notes it."
    )
    message: Annotated[str, Field(max_length=500), AfterValidator(_one_line)] = Field(
        description="The message for a violation: what is wrong, and what to do."
    )
    override: NameSet = Field((), description="Operators who may override it with a reason; if empty, administrators.")

    def references(self) -> Iterator[Reference]:
        """The operators who may override it."""
        yield from references_to(("override",), Kind.OPERATOR, self.override)
