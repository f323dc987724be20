"""A space of a stage with what is made of it once: how it identifies, shows and stores."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from offerkit.engine.catalog import Catalog
from offerkit.engine.identify import Door
from offerkit.engine.stored import ExtraData
from offerkit.models.space import Space
from offerkit.models.status import Status
from offerkit.workflow.showing import Shower

if TYPE_CHECKING:
    from offerkit.workflow.catalogs import Catalogs


class Place:
    """One space; everything is worked out when it is first asked for, and kept as long as the stage's catalogs."""

    def __init__(self, catalogs: Catalogs, environment: str, space: str) -> None:
        """``space`` is its name in ``environment``."""
        self._catalogs, self._environment, self._space = catalogs, environment, space
        self._showers: dict[tuple[str, Status | None], Shower] = {}

    @property
    def address(self) -> str:
        """The space's address."""
        return f"{self._environment}/space.{self._space}"

    @cached_property
    def exists(self) -> bool:
        """Whether the stage has it."""
        return self.address in self._catalogs.view.entries

    @cached_property
    def model(self) -> Space:
        """The space. Raises pydantic's error where the stage has none."""
        return Space.model_validate(self._catalogs.view(self.address))

    @property
    def catalog(self) -> Catalog:
        """The catalog of its environment."""
        return self._catalogs[self._environment]

    @cached_property
    def door(self) -> Door:
        """As identification sees it (domain.md §3, step 1)."""
        identification = self.model.identification
        # A fallback that is not live (yet) cannot answer.
        linked = identification.fallback or ""
        environment, _, space = linked.partition("/")
        there = environment in self._catalogs and self._catalogs.place(environment, space).exists
        anonymous = self.catalog.anonymous
        return Door(
            self._environment, self._space, anonymous, identification.implicit or anonymous, linked if there else "",
            identification.anonymous_categories,
        )  # fmt: skip

    def shower(self, status_base: str = "", clicked: Status | None = None) -> Shower:
        """Shows offers here; ``status_base`` and ``clicked`` as :class:`Shower` has them."""
        key = status_base, clicked
        if key not in self._showers:
            self._showers[key] = Shower(self._catalogs, self.catalog, self._space, status_base, clicked)
        return self._showers[key]

    @cached_property
    def proposed_data(self) -> ExtraData:
        """What is stored with a proposition when it is made."""
        return self._extra("proposed_data", self.model.storage.proposed_data)

    @cached_property
    def accepted_data(self) -> ExtraData:
        """What is stored with a proposition when it is accepted."""
        return self._extra("accepted_data", self.model.storage.accepted_data)

    def _extra(self, moment: str, expressions: dict[str, str]) -> ExtraData:
        return ExtraData(self.catalog, self.address, moment, expressions)
