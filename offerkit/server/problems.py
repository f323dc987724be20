"""Refusals as RFC 9457 problem documents.

Hints of diagnostics name other spaces, fields and categories, so only callers who can see the catalog get them.
Outsiders get the code and the message.
"""

from __future__ import annotations

import orjson
from starlette.responses import Response

from offerkit.diagnostics import Code, Diagnostic, Refused
from offerkit.fingerprint import Json
from offerkit.store.remote import error_json

MEDIA_TYPE = "application/problem+json"
NOTHING_HERE = "there is nothing at this path"
LEFT = "the request ended before its body did"


class RequestError(Exception):
    """A request that is answered with ``status`` and with a sentence for whoever sent it."""

    def __init__(
        self, status: int, message: str, title: str = "Not taken", *, retry_after: int = 0, close: bool = False
    ) -> None:
        """``retry_after``: seconds until another try may succeed. ``close``: end the connection after the answer."""
        super().__init__(message)
        self.status, self.message, self.title = status, message, title
        self.retry_after, self.close = retry_after, close


_STATUS = {
    Code.BUSY: 503,
    Code.STORE_LOCKED: 503,
    Code.NOT_ALLOWED: 403,
    Code.TOKEN_SCOPE: 403,
    Code.NOT_A_READER: 403,
    Code.NOT_A_DESIGN_READER: 403,
    Code.RESERVED_PROPERTIES: 403,
    Code.KEY_SIGNATURE: 403,
    Code.KEY_UNCHECKED: 503,
    Code.NO_OPERATOR: 401,
    Code.UNKNOWN_SPACE: 404,
    Code.UNKNOWN_PROPOSITION: 404,
    Code.NO_SIMULATION: 404,
    Code.SIMULATION_EXISTS: 409,
    Code.SIMULATIONS_APART: 422,
    Code.STATUS_STEP: 409,
    Code.PLAN_STALE: 409,
    Code.NOT_AS_SHOWN: 409,
    Code.NOT_SCHEDULED: 409,
    Code.ALREADY_SCHEDULED: 409,
}
_OURS = ("OFR6", "OFR87")
"""Codes of faults on the server's side: the store, the contacts' source."""
_OUTSIDE = {
    Code.CONTACT_KEY: "the contact's key does not have the format of this space's keys",
    Code.CONTACT_AMBIGUOUS: "the contact's key is ambiguous",
}
"""Messages for non-operators where the original would reveal how contacts are identified."""


def status_of(refused: Refused) -> int:
    """The HTTP status of a refusal: the gravest of its diagnostics."""
    statuses = [_status(diagnostic.code) for diagnostic in refused.diagnostics]
    return max(statuses, default=400)


def _status(code: Code) -> int:
    if code in _STATUS:
        return _STATUS[code]
    if code.startswith(_OURS) and code not in (Code.CONTACT_KEY, Code.CONTACT_AMBIGUOUS):
        return 503
    return 422


def refusal_response(refused: Refused, *, insider: bool, instance: str = "") -> Response:
    """The refusal as a response. ``insider``: whether the caller may see the catalog."""
    refused = refused if insider else without_hidden_spaces(refused)
    status = status_of(refused)
    document: dict[str, Json] = {
        "type": "about:blank",
        "title": "Refused" if status < 500 else "Not available now",
        "status": status,
        "instance": instance,
        "errors": [_error(diagnostic, insider=insider, ours=status >= 500) for diagnostic in refused.diagnostics],
    }
    headers = {"Retry-After": "1"} if status == 503 else {}
    return Response(orjson.dumps(document), status, headers, MEDIA_TYPE)


def _error(diagnostic: Diagnostic, *, insider: bool, ours: bool) -> Json:
    if not insider:
        return {
            "code": str(diagnostic.code),
            "message": "the service cannot answer now" if ours else public_message(diagnostic),
        }
    return error_json(diagnostic)


def without_hidden_spaces(refused: Refused) -> Refused:
    """``refused`` for callers who may not see the catalog: a space they cannot call looks as if it did not exist."""
    return Refused(
        Diagnostic(Code.UNKNOWN_SPACE, f"there is no live space “{diagnostic.address.partition('/space.')[2][:80]}”")
        if diagnostic.code is Code.NOT_UNITARY
        else diagnostic
        for diagnostic in refused.diagnostics
    )


def public_message(diagnostic: Diagnostic) -> str:
    """The message of a diagnostic for callers who may not see the catalog."""
    return _OUTSIDE.get(diagnostic.code, diagnostic.summary)


def error_response(error: RequestError, instance: str = "") -> Response:
    """The answer to a request that cannot be accepted."""
    response = problem_response(error.status, error.title, error.message, instance)
    if error.retry_after:
        response.headers["Retry-After"] = str(error.retry_after)
    if error.close:
        response.headers["Connection"] = "close"
    return response


def problem_response(status: int, title: str, message: str, instance: str = "") -> Response:
    """A problem other than a refusal: a wrong path, too large a body, a bug."""
    document = {
        "type": "about:blank",
        "title": title,
        "status": status,
        "instance": instance,
        "errors": [{"code": str(Code.BUG if status == 500 else Code.BAD_REQUEST), "message": message}],
    }
    return Response(orjson.dumps(document), status, media_type=MEDIA_TYPE)
