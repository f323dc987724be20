"""The applier: a plan's saved steps, checked against the store as it is now, then committed as one revision."""

from offerkit.applier.commit import Applied, commit
from offerkit.applier.verify import Verified, verify

__all__ = ["Applied", "Verified", "commit", "verify"]
