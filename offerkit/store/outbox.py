"""The outbox: events that wait to be sent to receivers, written in the transaction of the revision that they tell of.

One row is one event for one receiver, so that a receiver that is down delays no other. A sender leases a row before
it sends it, and lets go of it afterwards; a lease that its sender did not survive ends by itself
(docs/adr/0057-outbox.md).
"""

from __future__ import annotations

COLUMNS = "id, receiver, type, body, created, due, attempts, state, lease, leased_until, failure, finished"
