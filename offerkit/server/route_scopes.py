"""The scope that an operator's token needs for each route. A test compares this table with the application.

It is checked before a request is read. A plan's steps are checked once more when it is applied
(:func:`offerkit.governance.rights.required_scopes`).
"""

from __future__ import annotations

from collections.abc import Mapping

from offerkit.diagnostics import Refused
from offerkit.governance.rights import TokenScope, TokenScopes, no_scope_of
from offerkit.usecases.tokens import Bearer

OPEN: TokenScopes = frozenset()
"""No scope is needed, or the route has its own check."""
READ: TokenScopes = frozenset((TokenScope.READ,))
PLANS: TokenScopes = frozenset((TokenScope.APPLY, TokenScope.PROMOTE))
"""At least one of these; the plan decides which."""
APPROVE: TokenScopes = frozenset((TokenScope.APPROVE,))
PROMOTE: TokenScopes = frozenset((TokenScope.PROMOTE,))
STOP: TokenScopes = frozenset((TokenScope.STOP,))
ERASE: TokenScopes = frozenset((TokenScope.ERASE,))
RELAY: TokenScopes = frozenset((TokenScope.RELAY,))

ROUTES: Mapping[tuple[str, str], TokenScopes] = {
    ("GET", "/openapi.json"): OPEN,
    ("HEAD", "/openapi.json"): OPEN,
    ("POST", "/api/v1/propose"): OPEN,
    ("POST", "/api/v1/update"): OPEN,
    ("GET", "/api/v1/store/copy"): READ,
    ("POST", "/api/v1/store/apply"): PLANS,
    ("POST", "/api/v1/store/schedule"): PROMOTE,
    ("POST", "/api/v1/store/schedule/withdraw"): PROMOTE,
    ("POST", "/api/v1/store/impact"): READ,
    ("POST", "/api/v1/store/limit"): READ,
    ("POST", "/api/v1/store/decide"): APPROVE,
    ("POST", "/api/v1/store/relay"): RELAY,
    ("POST", "/api/v1/stop"): STOP,
    ("POST", "/api/v1/resume"): PROMOTE,
    ("GET", "/api/v1/stops"): READ,
    ("POST", "/api/v1/store/override"): APPROVE,
    ("POST", "/api/v1/store/propositions"): READ,
    ("POST", "/api/v1/store/report"): READ,
    ("POST", "/api/v1/store/simulations"): READ,
    ("POST", "/api/v1/store/simulations/remove"): PLANS,
    ("POST", "/api/v1/explain"): READ,
    ("POST", "/api/v1/contact/export"): READ,
    ("POST", "/api/v1/contact/erase"): ERASE,
    ("POST", "/api/v1/contact/clear"): ERASE,
    ("GET", "/interaction/{environment}/{space}"): OPEN,
    ("POST", "/interaction/{environment}/{space}"): OPEN,
    ("GET", "/health/live"): OPEN,
    ("GET", "/health/ready"): OPEN,
    ("GET", "/metrics"): OPEN,
    ("GET", "/nl/interactionProposal.js"): OPEN,
    ("POST", "/nl/propose"): OPEN,
    ("GET", "/o"): OPEN,
    ("GET", "/"): OPEN,
    ("GET", "/demo"): OPEN,
    ("GET", "/demo/"): OPEN,
    ("GET", "/demo/demo.css"): OPEN,
    ("GET", "/demo/demo.js"): OPEN,
    ("GET", "/demo/offer.html"): OPEN,
    ("GET", "/ui"): READ,
    ("GET", "/ui/"): OPEN,
    ("GET", "/ui/style.css"): OPEN,
    ("GET", "/ui/previews.js"): OPEN,
    ("GET", "/ui/history"): READ,
    ("GET", "/ui/history/{serial}"): READ,
    ("GET", "/ui/diff"): READ,
    ("GET", "/ui/approvals"): READ,
    ("POST", "/ui/approvals"): APPROVE,
    ("GET", "/ui/promote"): READ,
    ("POST", "/ui/promote"): PROMOTE,
    ("POST", "/ui/scheduled/withdraw"): PROMOTE,
    ("GET", "/ui/stops"): READ,
    ("POST", "/ui/stop"): STOP,
    ("POST", "/ui/resume"): PROMOTE,
    ("GET", "/ui/offers"): READ,
    ("GET", "/ui/offers/{environment}/{name}"): READ,
    ("GET", "/ui/explain"): READ,
    ("GET", "/ui/show"): READ,
    ("GET", "/ui/weights"): READ,
    ("GET", "/ui/graph"): READ,
    ("GET", "/ui/report"): READ,
    ("GET", "/ui/login"): OPEN,
    ("POST", "/ui/login"): OPEN,
    ("POST", "/ui/logout"): OPEN,
}
"""By method and path. A route of operators that is not here cannot be called."""


def check_scope(caller: Bearer, method: str, path: str) -> None:
    """Raise Refused unless the token has a scope that this route takes; for a route without any, nobody has."""
    accepted = ROUTES[method, path]
    if diagnostics := no_scope_of(caller.scopes, accepted, caller.operator) if accepted else ():
        raise Refused(diagnostics)
