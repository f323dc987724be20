"""What the live environments allow to callers from outside (``inbound:``)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from offerkit.address import environment_address
from offerkit.models.environment import Environment
from offerkit.models.inbound import DEFAULT_RATE, Inbound
from offerkit.usecases.catalogs import Catalogs


@dataclass(frozen=True)
class InboundRules:
    """``inbound:`` of every live environment, by its name."""

    environments: Mapping[str, Inbound]

    def rate(self, environment: str) -> int:
        """Calls a minute from one address; where the environment is not known yet, what the freest one allows."""
        found = self.environments.get(environment)
        if found is not None:
            return found.rate
        return max((one.rate for one in self.environments.values()), default=DEFAULT_RATE)

    def may_ask(self, environment: str, origin: str) -> bool:
        """Whether the pages of ``origin`` may ask ``environment``."""
        found = self.environments.get(environment)
        return found is not None and origin in found.origins

    def may_lead_to(self, host: str) -> bool:
        """Whether a status link may lead to ``host``: a declared one, or below it."""
        parts = host.split(".")
        above = {".".join(parts[place:]) for place in range(len(parts))}
        return any(above & set(one.redirects) for one in self.environments.values())


def inbound_rules(catalogs: Catalogs) -> InboundRules:
    """As the environments that are live declare it."""
    bodies = {name: catalogs.snapshot(environment_address(name)) for name in catalogs.names if name in catalogs}
    return InboundRules({name: Environment.model_validate(body).inbound for name, body in bodies.items() if body})
