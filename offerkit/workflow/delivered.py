"""What becomes of a delivery after it was made: it is sent, or withdrawn."""

from __future__ import annotations

from offerkit.diagnostics import Code, refuse, suggestion
from offerkit.governance.rights import Actor
from offerkit.store import DeliveryRun, Store
from offerkit.workflow.delivering import may_deliver


def sent(store: Store, name: str, actor: Actor, now: str) -> tuple[DeliveryRun, int, str]:
    """The run, how many propositions are *presented* by that, and when it was said before (or empty).

    ``name`` is ``[ENVIRONMENT/]CAMPAIGN/DELIVERY``. Raises Refused when it was not made, or the actor may not.
    """
    may_deliver(actor)
    runs = store.deliveries()
    found = [run for run in runs if name in (run.name, f"{run.environment}/{run.name}")]
    if len(found) != 1:
        raise _not_made(name, runs)
    return found[0], store.delivery_sent(found[0], now), found[0].sent


def withdraw(store: Store, place: tuple[str, str, str], actor: Actor) -> tuple[DeliveryRun, int]:
    """The run that was taken back and how many propositions it had. Raises Refused when it was not made, or sent."""
    may_deliver(actor)
    run = store.delivery(*place)
    if run is None:
        raise _not_made("/".join(place[1:]), store.deliveries())
    return run, store.withdraw_delivery(run)


def _not_made(name: str, runs: list[DeliveryRun]) -> Exception:
    names = [run.name for run in runs]
    one = sum(name == known for known in names) > 1
    return refuse(
        Code.NOT_DELIVERED,
        f"“{name[:120]}” is in more than one environment" if one else f"the delivery “{name[:120]}” was not made",
        detail="" if one else "Only what “offerkit deliver” has made can be sent or withdrawn.",
        hint="Write ENVIRONMENT/CAMPAIGN/DELIVERY."
        if one
        else suggestion(name, names, "Made are: " + (", ".join(names[:12]) or "none") + "."),
    )
