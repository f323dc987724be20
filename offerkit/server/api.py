"""Propose and update over JSON, for back ends (domain.md §1, step 10)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any

import orjson
from pydantic_core import PydanticCustomError
from starlette.requests import Request
from starlette.responses import Response

from offerkit.diagnostics import Code, refuse
from offerkit.engine.answer import Answer, ProposedOffer
from offerkit.engine.bounded_cache import BoundedCache
from offerkit.fingerprint import Json
from offerkit.reports.answer import answer_data
from offerkit.rules.values import show
from offerkit.server.authentication import INSIDER, operator_of
from offerkit.server.decision_service import DecisionService
from offerkit.server.json_bodies import as_model, read_body, read_json
from offerkit.server.rate_limit import PROPOSE_PATH, UPDATE_PATH, count_spaces
from offerkit.server.routing import Description, Operation
from offerkit.server.schemas import (
    CALL_REFUSALS,
    AnswerView,
    JsonAnswer,
    Place,
    ProposeBody,
    UpdateBody,
    UpdatedView,
    call_data,
    refusals,
)
from offerkit.server.thread_worker import now
from offerkit.store.proposition_rows import LONGEST_KEY
from offerkit.times import utc
from offerkit.usecases.argument_values import parse_time
from offerkit.usecases.contact_access import not_a_contact_reader
from offerkit.usecases.propose import zone_of
from offerkit.usecases.requests import ProposeRequest, SpaceRequest
from offerkit.usecases.update_status import StatusUpdate

FORMS, LONGEST_FORM = 500, 1_000
"""How many forms of calls are remembered, and the bytes of the longest."""
REVISION = b"offerkit-revision"
"""The header that names the revision an answer is from."""
_PROBLEMS = refusals(*CALL_REFUSALS)


def routes(service: DecisionService, status_base: str) -> list[Operation]:
    """The calls on ``service``; ``status_base`` is where tracked links lead."""

    forms = CallForms(status_base)

    async def propose(request: Request) -> Response:
        """Propose offers to a contact on the given spaces. Propositions are stored before the answer is sent."""
        body, ask = forms.read(await read_json(request))
        names = ask.spaces
        count_spaces(request, names)
        operator = operator_of(request)
        if not operator and (body.at or body.seed or body.explain):
            raise refuse(Code.NOT_ALLOWED, "at, seed and explain are for operators", hint="Send an operator's token.")
        known = operator and (ask.contact or ask.cookie)
        environments = service.environments(names, cookie=bool(ask.cookie)) if known else ()
        insider = bool(operator) and await _insider(service, request, environments)
        if body.explain and not insider:
            raise not_a_contact_reader(
                operator, "explanations of what a contact gets are", [name[:80] for name in environments]
            )
        if body.at:
            ask = ask._replace(at=parse_time(body.at, zone_of(service.served.catalogs, names), utc(ask.at)))
        answer, revision = await service.propose(ask._replace(hints=True) if insider else ask, insider=insider)
        document = answer_data(answer) if insider else _outside(answer)
        assert isinstance(document, dict)
        document["revision"] = revision
        if answer.cookie:
            document["cookie"] = answer.cookie
        return JsonAnswer(document, 200, (REVISION, str(revision).encode()))

    async def update(request: Request) -> Response:
        """Set the status of a proposition. Setting the status that it already has changes nothing."""
        body = await read_body(request, UpdateBody)
        status_update = StatusUpdate(body.proposition, body.status, dict(body.data), now(), body.environment)
        await _insider(service, request, [body.environment])
        change, _ = await service.update(status_update)
        document: Json = {
            "proposition": change.proposition.id,
            "status": str(change.proposition.status),
            "before": str(change.before),
            "changed": change.changed,
        }
        return JsonAnswer(document)

    described = partial(Description, tag="decisions", responses=_PROBLEMS)
    return [
        Operation("POST", PROPOSE_PATH, propose, described(id="propose", body=ProposeBody, answer=AnswerView)),
        Operation("POST", UPDATE_PATH, update, described(id="update", body=UpdateBody, answer=UpdatedView)),
    ]


async def _insider(service: DecisionService, request: Request, environments: Sequence[str]) -> bool:
    """Whether the caller is an operator who can read the contacts of ``environments``.

    Only insiders get weights, reasons and hints, since these reveal values of contacts. The result is noted in the
    request, for the code that words refusals.
    """
    operator = operator_of(request)
    request.scope[INSIDER] = False
    request.scope[INSIDER] = bool(operator) and (not environments or await service.may_read(operator, environments))
    return bool(request.scope[INSIDER])


class CallForms:
    """What calls say besides who calls and the call data: most say the same, so it is checked and prepared once."""

    def __init__(self, status_base: str) -> None:
        """``status_base``: where tracked links lead."""
        self._status_base = status_base
        self._known: BoundedCache[bytes, tuple[ProposeBody, tuple[str, ...], tuple[Any, ...]]] = BoundedCache(FORMS)

    def read(self, given: Any) -> tuple[ProposeBody, ProposeRequest]:
        """A body without what is each call's own, and what the call requests now. Raises InvalidRequestError."""
        form = dict(given) if isinstance(given, dict) else {}
        contact, cookie, session = form.pop("contact", ""), form.pop("cookie", ""), form.pop("session", "")
        data = form.pop("data", {})
        try:
            key = orjson.dumps(form)
            known = self._known.peek(key) if _may_be_own(data, contact, cookie, session) else None
        except TypeError:  # a text or a number that another program could not read: it is checked in full
            key, known = b"", None
        if known is None:
            as_model(given, ProposeBody)
            body = as_model(form, ProposeBody)
            request = self._request(body)
            known = body, request.spaces, request[6:]
            if 0 < len(key) <= LONGEST_FORM:
                self._known.put(key, known)
        body, spaces, rest = known
        return body, ProposeRequest(spaces, now(), contact, cookie, session, data, *rest)

    def _request(self, body: ProposeBody) -> ProposeRequest:
        request = ProposeRequest(
            spaces=tuple(dict.fromkeys(body.space_names)),
            at=datetime.max,
            n=body.n,
            categories=tuple(body.categories),
            themes=tuple(body.themes),
            store=body.store and not body.at,
            explain=body.explain,
            seed=body.seed,
            outputs=tuple(dict.fromkeys(body.outputs)),
            status_base=self._status_base if body.status_url else "",
            wanted=_wanted(body) if any(isinstance(given, Place) for given in body.spaces) else (),
            hints=False,
        )
        return request._replace(wanted=request.places)


def _may_be_own(data: object, *texts: object) -> bool:
    """Whether a body takes these as call data and as a contact, a cookie and a session."""
    for text in texts:
        if not isinstance(text, str) or len(text) > LONGEST_KEY:
            return False
    try:
        call_data(data)
    except PydanticCustomError:
        return False
    return True


def _wanted(body: ProposeBody) -> tuple[SpaceRequest, ...]:
    """What each place wants; a space that is only named wants what the call does, once."""
    places = (given if isinstance(given, Place) else Place(space=given) for given in body.spaces)
    wanted = [
        SpaceRequest(
            place.space,
            place.n or body.n,
            tuple(place.categories or body.categories),
            themes=tuple(place.themes or body.themes),
        )
        for place in places
    ]
    return tuple(wanted if len(wanted) == len(set(wanted)) else dict.fromkeys(wanted))


def _outside(answer: Answer) -> Json:
    """The answer for callers who cannot see the catalog: without weights, categories and reasons."""
    return {
        "interaction": answer.interaction,
        "at": answer.at.isoformat(),
        "spaces": [
            {
                "asked": space.asked,
                "space": space.name,
                "identified": str(space.how),
                "revision": space.revision,
                "propositions": [_shown(proposed) for proposed in space.proposed],
            }
            for space in answer.spaces
        ],
    }


def _shown(proposed: ProposedOffer) -> Json:
    """An offer, and the declared values of its product, if it has any."""
    document: dict[str, Json] = {
        "id": proposed.id,
        "rank": proposed.rank,
        "offer": proposed.offer,
        "fields": dict(proposed.fields),
        "rendered": dict(proposed.rendered),
    }
    if proposed.product_fields:
        document["product"] = {name: show(value) for name, value in proposed.product_fields.items()}
    return document
