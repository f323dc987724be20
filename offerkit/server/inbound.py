"""What the live environments allow outside callers (``inbound:``)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from offerkit.address import environment_address
from offerkit.models.environment import Environment
from offerkit.models.inbound import DEFAULT_RATE, Inbound
from offerkit.usecases.catalogs import Catalogs


@dataclass(frozen=True)
class InboundRules:
    """``inbound:`` of every live environment, by its name."""

    environments: Mapping[str, Inbound]

    @cached_property
    def signing(self) -> frozenset[str]:
        """The environments that take signed contact keys only."""
        return frozenset(name for name, rules in self.environments.items() if rules.contact_keys == "signed")

    def rate(self, environment: str) -> int:
        """Calls per minute from one address; for an unknown environment, the highest limit of all."""
        rules = self.environments.get(environment)
        if rules is not None:
            return rules.rate
        return max((each.rate for each in self.environments.values()), default=DEFAULT_RATE)

    def may_ask(self, environment: str, origin: str) -> bool:
        """Whether pages of ``origin`` may call ``environment``."""
        rules = self.environments.get(environment)
        return rules is not None and origin in rules.origins

    def may_lead_to(self, host: str) -> bool:
        """Whether a status link may lead to ``host``: a declared host or a subdomain of one."""
        parts = host.split(".")
        above = {".".join(parts[index:]) for index in range(len(parts))}
        return any(above & set(rules.redirects) for rules in self.environments.values())


def inbound_rules(catalogs: Catalogs) -> InboundRules:
    """The rules that the live environments declare."""
    bodies = {name: catalogs.snapshot(environment_address(name)) for name in catalogs.names if name in catalogs}
    return InboundRules({name: Environment.model_validate(body).inbound for name, body in bodies.items() if body})
