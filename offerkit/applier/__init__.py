"""The applier: a plan's saved steps, checked against the store as it is now, in one transaction."""

from offerkit.applier.apply import Applied, apply

__all__ = ["Applied", "apply"]
