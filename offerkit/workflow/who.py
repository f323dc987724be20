"""Who is asking: the operators of the store, never those of the files that are being applied."""

from __future__ import annotations

from typing import Any

import orjson

from offerkit.address import SHARED, Kind, Stage, parse_address
from offerkit.diagnostics import Code, refuse, suggestion
from offerkit.governance.rights import Actor
from offerkit.planning.plan import Plan
from offerkit.store import Store
from offerkit.workflow.session import Session


def operators(store: Store | None) -> dict[str, dict[str, Any]]:
    """The operators' bodies by name, as applied; empty while there is no store."""
    if store is None:
        return {}
    entries = store.entries(f"{SHARED}@{Stage.DESIGN}", Kind.OPERATOR)
    bodies = store.bodies(entry.fingerprint for entry in entries.values())
    return {
        parse_address(address).name: orjson.loads(bodies[entry.fingerprint].text) for address, entry in entries.items()
    }


def who_is(session: Session, store: Store | None, plan: Plan | None = None) -> Actor:
    """The operator who runs this: named with --as, in OFFERKIT_OPERATOR, or the one whose e-mail git knows.

    While the store knows no operator, anyone may make the first apply (``plan``); it is signed with the name
    given or the user's. Raises Refused when nobody is named, or the one named is unknown or disabled.
    """
    known = operators(store)
    if not known and plan is not None:
        return Actor(session.operator or _by_email(_declared(plan), session.email) or session.user or "bootstrap", None)
    name = session.operator or _by_email(known, session.email)
    if not name:
        raise refuse(
            Code.NO_OPERATOR,
            "it is not known who is asking",
            detail="Every change is signed by an operator.",
            hint="Name one with --as OPERATOR or OFFERKIT_OPERATOR, or use the e-mail of one in git. Operators: "
            + ", ".join(sorted(known))
            + ".",
        )
    body = known.get(name)
    if body is None:
        raise refuse(
            Code.NO_OPERATOR,
            f"there is no operator “{name[:80]}”",
            hint=suggestion(name, known, "Operators: " + ", ".join(sorted(known)) + "."),
        )
    if body.get("enabled") is False:
        raise refuse(Code.NOT_ALLOWED, f"operator {name} is disabled", hint="An administrator can enable them.")
    return Actor(name, body["profile"])


def _by_email(known: dict[str, dict[str, Any]], email: str) -> str:
    matches = [name for name, body in sorted(known.items()) if email and body.get("email", "").lower() == email.lower()]
    return matches[0] if matches else ""


def _declared(plan: Plan) -> dict[str, dict[str, Any]]:
    return {
        parse_address(step.address).name: orjson.loads(plan.bodies[step.after.fingerprint].text)
        for step in plan.steps
        if step.after is not None and parse_address(step.address).kind is Kind.OPERATOR
    }


def promoters(store: Store) -> dict[str, tuple[str, ...]]:
    """The operators each environment names as the only ones who may promote there, as live in design."""
    return {name: tuple(settings.get("promoters", ())) for name, settings in promotion_settings(store).items()}


def promotion_settings(store: Store) -> dict[str, dict[str, Any]]:
    """Each environment's promotion settings, as applied to design."""
    found: dict[str, dict[str, Any]] = {}
    for stage in store.heads():
        environment, _, side = stage.partition("@")
        if side == Stage.DESIGN and environment != SHARED:
            for entry in store.entries(stage, Kind.ENVIRONMENT).values():
                body = store.bodies([entry.fingerprint])[entry.fingerprint]
                found[environment] = orjson.loads(body.text).get("promotion", {})
    return found
