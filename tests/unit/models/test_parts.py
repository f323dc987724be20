"""What all parts of resources have in common."""

from __future__ import annotations

from functools import cached_property

from pydantic import BaseModel

from offerkit.address import Kind
from offerkit.models import model_of
from offerkit.models.base import Part
from offerkit.models.template import Eligibility, Reviewers


def every_part() -> list[type[Part]]:
    """All classes of parts, those of every kind included."""
    for kind in Kind:
        model_of(kind)
    found: list[type[Part]] = [Part]
    for part in found:
        found += [below for below in part.__subclasses__() if below.__module__.startswith("offerkit.")]
    return found


def test_parts_have_nothing_that_comparing_their_fields_would_miss() -> None:
    """A body leaves out what equals its default: a value kept beside the fields would change fingerprints."""
    parts = every_part()
    assert len(parts) > 30
    for part in parts:
        values = [value for each in part.__mro__ if each is not BaseModel for value in vars(each).values()]
        assert not any(isinstance(value, cached_property) for value in values), part
        assert not part.__private_attributes__, part
        assert part.model_config["extra"] == "forbid", part


def test_parts_are_compared_as_pydantic_compares_models() -> None:
    mine, same, other = Reviewers(content=("ada",)), Reviewers(content=("ada",)), Reviewers()
    for left, right in [(mine, same), (mine, other), (other, Reviewers()), (other, Eligibility()), (mine, mine)]:
        assert (left == right) is BaseModel.__eq__(left, right)
        assert (left != right) is not BaseModel.__eq__(left, right)
    assert hash(mine) == hash(same)
    assert mine != "ada"
