"""The JSON bodies of calls and answers, as the OpenAPI document describes them."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from itertools import islice
from typing import Annotated, Any, Literal, TypeAlias

import orjson
from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    FailFast,
    Field,
    PlainValidator,
    Tag,
    TypeAdapter,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from offerkit.engine.call import MAX_COUNT
from offerkit.fingerprint import Json
from offerkit.store.proposition_rows import LONGEST_KEY

Key: TypeAlias = Annotated[str, Field(max_length=LONGEST_KEY)]
SpaceName: TypeAlias = Annotated[
    str,
    Field(
        max_length=260,
        description="ENVIRONMENT/SPACE of a unitary space that is live; with explain, of any space that is live.",
        examples=["recipients/web-home"],
    ),
]
ListedName: TypeAlias = Annotated[str, Field(max_length=500)]
MOST_DATA, LONGEST_NAME, LONGEST_VALUE, LONGEST_LIST = 100, 128, 2_000, 100
"""Call data of a call, the characters of a name and of a text, and the values of a list."""
TOLD = 5
"""Of many mistakes of one kind, those that are named."""
_Datum: TypeAlias = Annotated[str, Field(max_length=LONGEST_VALUE)] | bool | int | float | None
_Data: TypeAlias = _Datum | Annotated[list[_Datum], Field(max_length=LONGEST_LIST)]
_DESCRIBED: TypeAdapter[Any] = TypeAdapter(dict[Annotated[str, Field(max_length=LONGEST_NAME)], _Data])
"""What :func:`call_data` takes, for the description only: to check a union costs the more the less of it fits."""


def call_data(data: object) -> dict[str, object]:
    """Call data whose values could be of some type; which ones they have to be of, the environment declares."""
    if not isinstance(data, dict):
        raise PydanticCustomError("call_data", "must be an object with names and values")
    if len(data) > MOST_DATA:
        raise PydanticCustomError("call_data", f"a call has at most {MOST_DATA} call data values")
    wrong = [str(name)[:60] for name, value in data.items() if not _could_be(value) or len(name) > LONGEST_NAME]
    if wrong:
        raise PydanticCustomError("call_data", "{names}: " + _CALL_DATA, {"names": first_few(wrong, len(wrong))})
    return data


def _could_be(value: object) -> bool:
    match value:
        case str():
            return len(value) <= LONGEST_VALUE
        case bool() | int() | None:
            return True
        case float():
            return math.isfinite(value)
        case list():
            return len(value) <= LONGEST_LIST and all(not isinstance(one, list) and _could_be(one) for one in value)
        case _:
            return False


def first_few(names: Sequence[str], count: int) -> str:
    """The first few of ``names``, and how many more of ``count`` there are."""
    more = f" and {count - TOLD:,} more" if count > TOLD else ""
    return ", ".join(names[:TOLD]) + more


_CALL_DATA = (
    f"expected is a text of {LONGEST_VALUE:,} characters at most, a number, true, false, null or a list of"
    f" {LONGEST_LIST} of them, under a name of {LONGEST_NAME} characters at most"
)
CallData: TypeAlias = Annotated[
    dict[str, Any],
    PlainValidator(call_data),
    WithJsonSchema({**_DESCRIBED.json_schema(), "maxProperties": MOST_DATA}),
    Field(description="Call data, as the environment declares it.", examples=[{"page": "/travel"}]),
]
Names: TypeAlias = Annotated[list[ListedName], FailFast(), Field(max_length=50)]
Output: TypeAlias = Literal["html", "text", "xml"]


class RequestBody(BaseModel):
    """Rejects unknown fields, and does not convert strings to numbers."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _few_unknown(cls, given: Any) -> Any:
        """Report many unknown names as one error; a few are reported one by one, like all other errors."""
        if isinstance(given, dict) and len(given) > TOLD and len(given) > len(cls.model_fields) + TOLD:
            unknown = given.keys() - cls.model_fields.keys()
            first = [name[:60] for name in islice((name for name in given if name not in cls.model_fields), TOLD)]
            names = {"names": first_few(first, len(unknown))}
            raise PydanticCustomError("names", "unknown fields: {names}", names)
        return given


class Place(RequestBody):
    """A space with what is wanted for one place on it; what is not given is that of the call."""

    space: SpaceName
    n: int | None = Field(None, ge=1, le=MAX_COUNT, description="How many offers here.")
    categories: Names = Field(default_factory=list, description="Only offers below one of these.")
    themes: Names = Field(default_factory=list, description="Only offers that carry one of these.")


UNION_TAGS = ("(space)", "(place)")
"""The parts of an error's place that only say which of several forms of a value was meant."""


_OBJECTS = dict, Place


def _tag(given: object) -> str:
    return UNION_TAGS[isinstance(given, _OBJECTS)]


SpaceOrPlace: TypeAlias = Annotated[
    Annotated[SpaceName, Tag(UNION_TAGS[0])] | Annotated[Place, Tag(UNION_TAGS[1])], Discriminator(_tag)
]


class ProposeBody(RequestBody):
    """A call to the engine: several spaces in one call share one decision, and no offer is proposed twice."""

    spaces: Annotated[list[SpaceOrPlace], FailFast(), Field(min_length=1, max_length=20)] = Field(
        description="The spaces. A space that has several places with categories or themes of their own can be named"
        " once for each."
    )
    contact: Key = Field("", description="Who, by the space's keys; parts of a composite key are joined by |.")
    cookie: Key = Field("", description="The visitor's permanent or session cookie.")
    session: Key = Field("", description="The id of the visitor's session, for hooks.")
    n: int = Field(1, ge=1, le=MAX_COUNT, description="How many offers on each space.")
    categories: Names = Field(default_factory=list, description="Only offers below one of these.")
    themes: Names = Field(default_factory=list, description="Only offers that carry one of these.")
    data: CallData = Field(default_factory=dict)
    store: bool = Field(True, description="Keep what is proposed; without it, nothing has an id.")
    outputs: Annotated[list[Output], FailFast(), Field(max_length=3)] = Field(
        default_factory=list, description="What the spaces' rendering functions are to make."
    )
    status_url: bool = Field(True, description="Lead tracked links through this service.")
    at: Annotated[str, Field(max_length=40)] = Field(
        "",
        description="For operators: a day (its noon) or time (ISO 8601) to answer for instead of now, in the"
        " environment's time zone if it names none; implies store: false.",
    )
    seed: Annotated[str, Field(max_length=100)] = Field("", description="For operators: how ties are shuffled.")
    explain: bool = Field(False, description="For operators: say of every offer why it is in or out.")

    @property
    def space_names(self) -> list[str]:
        """The spaces, each by name."""
        return [given if isinstance(given, str) else given.space for given in self.spaces]


class UpdateBody(RequestBody):
    """A proposition's new status."""

    proposition: Key = Field(min_length=1, description="The opaque id that the proposition came with.")
    status: Literal["presented", "interested", "accepted", "rejected"]
    environment: Annotated[str, Field(max_length=128)] = Field(
        "", description="Where the proposition has to be; empty: anywhere."
    )
    data: CallData = Field(default_factory=dict)


class PropositionView(BaseModel):
    """One offer on one space."""

    id: str = Field(description="Opaque; empty when it is not kept.")
    rank: int
    offer: str
    fields: dict[str, str] = Field(description="The content, personalised, by the space's fields.")
    rendered: dict[str, str] = Field({}, description="What the space's functions made, by output.")
    product: dict[str, str] = Field(
        {}, description="Of a dynamic offer: the values that the environment declares under product_fields, as text."
    )


class SpaceView(BaseModel):
    """What one space shows. ``space`` answered: the fallback of the one that was asked, maybe."""

    asked: str
    space: str
    identified: Literal["explicit", "implicit", "fallback", "nobody"]
    revision: int = Field(description="The live revision that answered.")
    propositions: list[PropositionView]


class AnswerView(BaseModel):
    """The answer to one call, from one state of what is live."""

    interaction: str
    at: str
    revision: int = Field(description="The newest revision of the state that answered.")
    spaces: list[SpaceView]
    cookie: str = Field(
        "", description="The visitor's cookie from now on, where it is another one than the call came with."
    )


class UpdatedView(BaseModel):
    """What a change of status came to."""

    proposition: str
    status: str
    before: str
    changed: bool = Field(description="False when it had that status already.")


class ProblemView(BaseModel):
    """A refusal, as RFC 9457 has it, with everything that is wrong."""

    type: str
    title: str
    status: int
    instance: str
    errors: list[dict[str, str]] = Field(
        description="Each with a stable code and a message; for operators with detail, hint, address and position."
    )


class JsonAnswer(Response):
    """An answer in JSON, which is sent as it is: no header is derived from another."""

    media_type = "application/json"

    def __init__(self, body: Json, status: int = 200, *headers: tuple[bytes, bytes]) -> None:
        self.status_code, self.background, self.body = status, None, orjson.dumps(body)
        length = str(len(self.body)).encode()
        self.raw_headers = [(b"content-length", length), (b"content-type", b"application/json"), *headers]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.body})


def call_data_name(written: str) -> str:
    """``navigationLanguage``, as pages and SOAP write call data, as the environment declares it."""
    return _HUMP.sub("_", written).lower()


CALL_REFUSALS = (400, 401, 403, 404, 409, 413, 415, 422, 429, 503)
"""The statuses with which a call with a body may be refused."""


def refusals(*statuses: int) -> dict[int, dict[str, Any]]:
    """Describe a call's refusals with ``statuses``, for the OpenAPI document."""
    return {status: {"description": _MEANINGS[status], "content": _PROBLEM} for status in statuses}


_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_PROBLEM = {
    "application/problem+json": {"schema": ProblemView.model_json_schema()},
    "text/html": {"schema": {"type": "string"}},  # for browsers, which ask for it
}
_MEANINGS = {
    400: "The body cannot be read.",
    401: "The token is not valid.",
    403: "The caller is not allowed to do this.",
    404: "The space, environment or proposition does not exist.",
    409: "The current state does not allow it: the proposition's status, or a stale plan.",
    413: "The body is too large.",
    415: "The body is not UTF-8.",
    422: "The call is invalid; all mistakes are listed.",
    429: "Too many calls.",
    503: "The store or the contacts cannot be reached, or too many calls are waiting.",
}
