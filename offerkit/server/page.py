"""The call of a web page: the places on it, turned into a question to the engine, and the answer put back into them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated

from pydantic import BaseModel, FailFast, Field

from offerkit.engine.answer import Answer, ProposedOffer
from offerkit.reports.answer import proposition_tag
from offerkit.server.seat import now
from offerkit.server.wire import Body, CallData, Key, Names, call_data_name
from offerkit.usecases.catalogs import Catalogs
from offerkit.usecases.requests import ProposeRequest, SpaceRequest

_NTH = re.compile(r"(?P<space>.+)_(?P<rank>[1-9][0-9]?)")
_PRINTED = r"^[^\x00-\x1f\x7f\ufffe\uffff]*$"
"""What can stand in an attribute of XML."""


class Div(Body):
    """A place on the page: ``<div id="i_SPACE">``, or any that the page declared with a space of its own."""

    id: Annotated[str, Field(min_length=1, max_length=200, pattern=_PRINTED)]
    space: Annotated[str, Field(max_length=200)] = ""
    categories: Names = Field([])


class PageBody(Body):
    """What the script of the page sends."""

    divs: Annotated[list[Div], FailFast(), Field(min_length=1, max_length=50)]
    target: Key = Field("", description="The contact's key, as the environment takes it: raw or signed.")
    categories: Names = Field([], description="For all places that name none of their own.")
    themes: Names = Field([])
    data: CallData = Field({}, description="Call data; navigationLanguage stands for navigation_language.")
    xml: bool = Field(False, description="Answer the propositions as XML instead of HTML for each place.")


class PageView(BaseModel):
    """The answer for HTML: what to put into each place; a place without an offer is not there."""

    divs: dict[str, str]


class Page:
    """The places of one call, as the live catalogs understand them."""

    def __init__(self, catalogs: Catalogs, environment: str, body: PageBody) -> None:
        """Places whose space is not live in ``environment`` get nothing; so does every place of an unknown one."""
        self._catalogs, self._environment, self._body = catalogs, environment, body
        self._places: dict[str, tuple[str, int]] = {}
        self._wanted: dict[str, SpaceRequest] = {}
        if environment in catalogs:
            for div in body.divs:
                self._add(div)

    def ask(self, cookie: str, status_base: str) -> ProposeRequest | None:
        """All places in one question; None when none of them is live."""
        if not self._wanted:
            return None
        declared = self._catalogs[self._environment].call_data
        data = {name if name in declared else call_data_name(name): value for name, value in self._body.data.items()}
        return ProposeRequest(
            spaces=tuple(self._wanted), at=now(), contact=self._body.target, cookie=cookie,
            themes=tuple(self._body.themes), data=data, outputs=("xml" if self._body.xml else "html",),
            status_base=status_base, wanted=self._wanted, hints=False,
        )  # fmt: skip

    def html(self, answer: Answer | None) -> dict[str, str]:
        """By place, what is to stand there."""
        return {div: proposed.rendered["html"] for div, _, proposed in self._filled(answer)}

    def xml(self, answer: Answer | None) -> str:
        """``<propositions>`` with one element for each place that has an offer (domain.md §5)."""
        return f"<propositions>{''.join(_element(*filled) for filled in self._filled(answer))}</propositions>"

    def _filled(self, answer: Answer | None) -> Iterable[tuple[str, str, ProposedOffer]]:
        shown = {space.asked: space for space in answer.spaces} if answer is not None else {}
        for div, (space, rank) in self._places.items():
            found = shown.get(space)
            if found is not None and len(found.proposed) >= rank:
                yield div, space.partition("/")[2], found.proposed[rank - 1]

    def _add(self, div: Div) -> None:
        name, rank = self._space_of(div)
        if not name:
            return
        place = f"{self._environment}/{name}"
        self._places[div.id] = (place, rank)
        own, linked = self._split(name, div.categories or self._body.categories)
        before = self._wanted.get(place, SpaceRequest(0))
        self._wanted[place] = SpaceRequest(
            max(before.n, rank),
            tuple(dict.fromkeys((*before.categories, *own))),
            tuple(dict.fromkeys((*before.anonymous_categories, *linked))),
        )

    def _space_of(self, div: Div) -> tuple[str, int]:
        """The space's name and which of its offers; an empty name when there is no such live space to be asked."""
        spaces = self._catalogs[self._environment].spaces
        from_id = div.id.removeprefix("i_")
        name, rank = div.space or from_id, 1
        if name not in spaces or (div.space and _nth(from_id)[0] == name):
            name, rank = _nth(from_id if name in spaces else name)
        return (name, rank) if name in spaces and spaces[name].unitary else ("", 0)

    def _split(self, space: str, named: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The categories of a place: those for who is identified, and those of the linked anonymous environment.

        Pages name both in one list (``"Cat,CatAnonymous"``). When none of them is ours, they stay as they are:
        nothing is proposed then, rather than anything.
        """
        names = tuple(named)
        own = tuple(name for name in names if name in self._catalogs[self._environment].categories)
        linked = self._catalogs.space(self._environment, space).identification.fallback.partition("/")[0]
        theirs = self._catalogs[linked].categories if linked else {}
        return own or names, tuple(name for name in names if name in theirs)


def _nth(written: str) -> tuple[str, int]:
    """``SPACE_2`` taken apart: the space, and which of its offers."""
    found = _NTH.fullmatch(written)
    return (found["space"], int(found["rank"])) if found else (written, 1)


def _element(div: str, space: str, proposed: ProposedOffer) -> str:
    view = proposed.rendered["xml"].strip()
    if not view.startswith("<xmlOfferView"):
        view = f"<xmlOfferView>{view}</xmlOfferView>"
    return f"{proposition_tag(proposed, space, div)}{view}</proposition>"
