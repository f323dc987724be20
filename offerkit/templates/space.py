"""The parts of a space that rendering needs, read from its canonical body."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from offerkit.fingerprint import JsonMap, json_map
from offerkit.models.status import Status, status_number

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


class Format(StrEnum):
    """What a field holds."""

    TEXT = "text"
    HTML = "html"
    URL = "url"


class Output(StrEnum):
    """What a space can be rendered as."""

    HTML = "html"
    TEXT = "text"
    XML = "xml"
    PROPOSITION = "proposition"
    """The whole element of a proposition in XML answers."""


@dataclass(frozen=True, slots=True)
class ContentField:
    """A content field of a space."""

    name: str
    format: Format
    required: bool = False
    label: str = ""

    @property
    def is_image(self) -> bool:
        """Whether it holds the address of an image, which can be a path below the environment's ``assets``."""
        return self.format is Format.URL and is_image(self.name)


@dataclass(frozen=True, slots=True)
class SpaceLayout:
    """A space's fields in order, its functions by output, and the number of its status for *accepted*."""

    fields: tuple[ContentField, ...]
    functions: dict[Output, str]
    accepted: int

    @property
    def markup(self) -> frozenset[str]:
        """The fields that are HTML."""
        return frozenset(field.name for field in self.fields if field.format is Format.HTML)

    @classmethod
    def of(cls, space: JsonMap) -> SpaceLayout:
        """The layout that a space's body describes."""
        listed = space.get("fields")
        render = json_map(space.get("render"))
        return cls(
            tuple(_field(json_map(item)) for item in (listed if isinstance(listed, list) else ())),
            {output: str(render[output]) for output in Output if render.get(output) is not None},
            status_number(Status(str(json_map(space.get("storage")).get("accepted", Status.ACCEPTED)))),
        )


def format_of(name: str, type_: str | None) -> Format:
    """A field's format: the one it states, else by its name, as models.space.SpaceField says."""
    if type_ is not None:
        return Format(type_)
    if name == "html":
        return Format.HTML
    return Format.URL if name.endswith("_url") else Format.TEXT


def is_image(field: str) -> bool:
    """Whether a URL field of this name is for an image: what the default HTML shows as one."""
    return "image" in field


def is_path(text: str) -> bool:
    """Whether the text of an image field is a path below ``assets``: it begins as no URL, and not with a block."""
    beginning = text.lstrip()
    return bool(beginning) and not beginning.startswith(("/", "\\", "{", "?", "#")) and not _SCHEME.match(beginning)


def _field(item: JsonMap) -> ContentField:
    name, type_ = str(item["name"]), item.get("type")
    return ContentField(
        name,
        format_of(name, None if type_ is None else str(type_)),
        bool(item.get("required")),
        str(item.get("label", "")),
    )
