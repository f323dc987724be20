"""Offer spaces: the places where offers are shown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from offerkit.address import NAME, Kind
from offerkit.models.base import (
    Duration,
    Expression,
    Flag,
    Label,
    Name,
    NameList,
    NameSet,
    Part,
    PathSet,
    Reference,
    Resource,
    Text,
    references_to,
)
from offerkit.models.expression_scopes import Channel

FieldFormat = Literal["text", "html", "url"]
StatusName = Literal["generated", "presented", "interested", "accepted", "scheduled", "rejected"]


class SpaceField(Part):
    """A content field, in the order in which rendering functions take them."""

    name: Name
    label: Label = ""
    type: FieldFormat | None = Field(
        None, description="By default from the name: html is html, …_url is url, others are text."
    )
    required: Flag = False

    @property
    def format(self) -> FieldFormat:
        """The field's format, which determines how its value is escaped and checked."""
        if self.type is not None:
            return self.type
        if self.name == "html":
            return "html"
        return "url" if self.name.endswith("_url") else "text"


class Render(Part):
    """The rendering functions: templates over the space's fields, one for each output."""

    html: Text | None = None
    text: Text | None = None
    xml: Text | None = None
    proposition: Text | None = Field(
        None,
        description="The whole element of a proposition in XML answers (pages and SOAP), instead of the usual one.",
    )


class Identification(Part):
    """How a call identifies its contact."""

    keys: NameList = Field(
        (), description="The dimension's fields that identify a contact, in order; composite keys are joined by |."
    )
    implicit: Flag = Field(False, description="Identify by permanent or session cookie.")
    fallback: str | None = Field(
        None, description="ENVIRONMENT/SPACE of an anonymous environment, used if no contact was identified."
    )
    anonymous_categories: PathSet = Field(
        (), description="The categories to propose from in the fallback's environment."
    )

    @model_validator(mode="after")
    def _fallback_is_a_place(self) -> Identification:
        if self.fallback is not None:
            environment, slash, space = self.fallback.partition("/")
            if not slash or NAME.fullmatch(environment) is None or NAME.fullmatch(space) is None:
                raise PydanticCustomError("fallback", "write a fallback as ENVIRONMENT/SPACE")
        elif self.anonymous_categories:
            raise PydanticCustomError("fallback", "anonymous_categories need a fallback")
        return self


class Defaults(Part):
    """The categories and themes for calls that do not name any."""

    categories: PathSet = ()
    themes: NameSet = ()


class StatusData(Part):
    """The extra data that a change of status stores, by the status that is set."""

    presented: dict[Name, Expression] = Field(
        {}, description="Extra data, by name, for *presented*, such as when a delivery is sent."
    )
    interested: dict[Name, Expression] = Field({}, description="Extra data, by name, for *interested*.")
    accepted: dict[Name, Expression] = Field({}, description="Extra data, by name, for *accepted*.")
    scheduled: dict[Name, Expression] = Field({}, description="Extra data, by name, for *scheduled*.")
    rejected: dict[Name, Expression] = Field({}, description="Extra data, by name, for *rejected*.")

    @property
    def declared(self) -> dict[str, dict[str, str]]:
        """The expressions of each status that has any."""
        return {status: expressions for status, expressions in self if expressions}


class Storage(Part):
    """How propositions are stored: their status when proposed and accepted, extra data for each status, evidence."""

    enabled: Flag = Field(True, description="If false, propositions of this space are not stored.")
    proposed: StatusName = "presented"
    accepted: StatusName = "accepted"
    proposed_data: dict[Name, Expression] = Field({}, description="Extra data, by name, stored when proposed.")
    accepted_data: dict[Name, Expression] = Field({}, description="Extra data, by name, stored when accepted.")
    status_data: StatusData = Field(
        StatusData(),
        description="Extra data, by status and name, stored when a proposition gets another status, such as rejected.",
    )
    evidence: Flag = Field(
        False,
        description="Keep what each decision read, so that “offerkit explain” can repeat it; for calls, not batches.",
    )
    evidence_retention: Duration | None = Field(
        None,
        description="“offerkit store purge” deletes older evidence; if absent, with its propositions.",
    )

    @model_validator(mode="after")
    def _retention_of_evidence(self) -> Storage:
        if self.evidence_retention is not None and not self.evidence:
            raise PydanticCustomError("evidence", "evidence_retention needs evidence: true")
        return self

    @model_validator(mode="after")
    def _each_moment_once(self) -> Storage:
        if self.accepted_data and self.accepted in self.status_data.declared:
            raise PydanticCustomError(
                "status_data",
                "status_data.{status} and accepted_data are for the same status; write the data in one of them",
                {"status": self.accepted},
            )
        if self.proposed in self.status_data.declared:
            raise PydanticCustomError(
                "status_data",
                "propositions are {status} from the beginning; write the data in proposed_data",
                {"status": self.proposed},
            )
        return self

    @property
    def data(self) -> list[tuple[tuple[str, ...], dict[str, str]]]:
        """All extra data: the path below ``storage`` of each moment, with its expressions by name."""
        answers = [(("status_data", status), data) for status, data in self.status_data.declared.items()]
        return [(("proposed_data",), self.proposed_data), (("accepted_data",), self.accepted_data), *answers]


class SpaceHooks(Part):
    """Python entry points (group ``offerkit.hooks``) by name."""

    target_loading: Name | None = None
    post_processing: Name | None = None


class Space(Resource):
    """A place where offers are shown: two banners on one page are two spaces of one channel."""

    kind = Kind.SPACE

    channel: Channel
    unitary: Flag = Field(False, description="For single calls, one contact at a time; otherwise for batches only.")
    fields: tuple[SpaceField, ...] = Field(min_length=1)
    render: Render = Render()
    identification: Identification = Identification()
    defaults: Defaults = Defaults()
    storage: Storage = Storage()
    hooks: SpaceHooks = SpaceHooks()

    @model_validator(mode="after")
    def _fields_once(self) -> Space:
        known = [field.name for field in self.fields]
        twice = sorted({name for name in known if known.count(name) > 1})
        if twice:
            raise PydanticCustomError("twice", "fields with the same name: {names}", {"names": ", ".join(twice)})
        return self

    def references(self) -> Iterator[Reference]:
        """The fallback space with its anonymous categories, and the default categories."""
        fallback = self.identification.fallback
        if fallback:
            environment, _, space = fallback.partition("/")
            yield Reference(("identification", "fallback"), Kind.SPACE, space, environment)
            for place, category in enumerate(self.identification.anonymous_categories):
                path = ("identification", "anonymous_categories", place)
                yield Reference(path, Kind.CATEGORY, category, environment)
        yield from references_to(("defaults", "categories"), Kind.CATEGORY, self.defaults.categories)
