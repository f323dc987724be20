"""A call to one space: what it asks is checked, its contact identified, and its history read (domain.md §3, step 1).

What all calls share that ask the same is made once, and remembered as long as the catalogs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from offerkit.diagnostics import Code, Refused, refuse
from offerkit.engine.call import Call, CallContext
from offerkit.engine.call_facts import BATCH, identification_of, with_call_facts
from offerkit.engine.catalog import Catalog
from offerkit.engine.check_call import call_data, make_call
from offerkit.engine.history import PastProposition
from offerkit.engine.identify import Identified, IdentifyingSpace, identify
from offerkit.models.space import Space
from offerkit.rules.types import Row
from offerkit.usecases.catalogs import Catalogs, LiveSpace, SpaceForm
from offerkit.usecases.contact_sources import ContactSources
from offerkit.usecases.requests import ProposeRequest, SpaceRequest

MOST_NAMES = 10
"""Categories and themes of the longest request that is remembered."""

HistoryReader = Callable[[Catalog, str, datetime], Sequence[PastProposition]]
"""Returns the history of the contact with a key at a time, as :func:`history_of` does."""

CookieReader = Callable[[str, str], str]
"""Returns the key of the contact that a cookie identifies in an environment, as :meth:`Store.contact_of` does."""


class SpaceCall(NamedTuple):
    """A call to one space, checked and ready to decide; ``form`` is that of the space that answers."""

    name: str
    who: Identified
    catalog: Catalog
    call: Call
    history: Sequence[PastProposition]
    form: SpaceForm
    keep: bool


class ContactFinder(NamedTuple):
    """Finds the contacts of one call."""

    catalogs: Catalogs
    sources: ContactSources
    contact_of: CookieReader

    def identified(self, door: IdentifyingSpace, ask: ProposeRequest, *, previews: bool) -> Identified:
        """Whom a call on the space ``door`` is for. Raises Refused if the key is invalid or the contacts cannot be
        read.
        """
        if previews:  # a delivery knows contacts by the key of their source, and leaves out everybody else
            door = door._replace(fallback="", implicit=False, anonymous=False, keys=())
        return identify(door, ask.contact, ask.cookie, self)

    def door(self, name: str) -> IdentifyingSpace:
        """The space with that name."""
        environment, _, space = name.partition("/")
        return self.catalogs.space(environment, space).identification

    def by_key(self, door: IdentifyingSpace, text: str) -> tuple[str, Row] | None:
        """The contact that the space ``door`` knows by that key."""
        row, key = self.sources.found(door.environment, text, door.keys)
        return None if row is None else (key, row)

    def by_cookie(self, door: IdentifyingSpace, cookie: str) -> tuple[str, Row | None] | None:
        """The contact, or on an anonymous space the visitor, with that cookie."""
        if door.anonymous:
            # The cookie is the visitor's key, also for visitors that are not in the table yet.
            return cookie, self._visitor(door.environment, cookie)
        key = self.contact_of(door.environment, cookie)
        row = self.sources.by_key(door.environment, key) if key else None
        return None if row is None else (key, row)

    def _visitor(self, environment: str, cookie: str) -> Row | None:
        if not self.sources.has_source(environment) or len(self.sources.of(environment).key) != 1:
            return None
        return self.sources.by_key(environment, self.sources.as_key(cookie))


def prepare_call(
    catalogs: Catalogs, finder: ContactFinder, ask: ProposeRequest, space_request: SpaceRequest, pasts: HistoryReader
) -> SpaceCall:
    """The call to one space, whichever answers: checked, with its contact and history. Raises Refused."""
    form = _form(catalogs, ask, space_request)
    # Mistakes in the call are reported before any contact is looked up.
    data, wrong = call_data(form.catalog, ask.data, hints=ask.hints, required=not form.batch)
    if wrong:
        raise Refused(wrong)
    who = finder.identified(form.live_space.identification, ask, previews=form.batch)
    if who.space != form.space or who.environment != form.environment:
        return _fallen_back(catalogs, ask, space_request, who, pasts)
    catalog = form.catalog
    if catalog.call_facts:
        data = with_call_facts(catalog, data, form.space, BATCH if form.batch else identification_of(who.how))
    contact = catalog.nobody if who.contact is None else who.contact
    own = data, contact, who.key, ask.at.astimezone(UTC), ask.seed, ask.permanent, ask.session
    call = form.call.with_own(own)
    history = pasts(catalog, who.key, ask.at)
    return SpaceCall(space_request.space, who, catalog, call, history, form, ask.store and form.stores)


def _form(catalogs: Catalogs, ask: ProposeRequest, asked: SpaceRequest) -> SpaceForm:
    """The form of a call to a space, remembered with ``catalogs``. Raises Refused if the space cannot answer it.

    One that names what does not exist is made each time: there are ever more of these, and each has its warnings.
    """
    key = asked, ask.outputs, ask.own_html, ask.status_base, ask.explain
    known = catalogs.forms.peek(key)
    if known is not None:
        return known
    name = asked.space
    environment, slash, space = name.partition("/")
    if not slash:
        places = sorted(f"{e}/{s}" for e in catalogs.names if e in catalogs for s in catalogs[e].spaces)
        hint = f"Spaces in {catalogs.stage}: {', '.join(places[:12])}." if places else "Nothing is live yet."
        raise refuse(Code.UNKNOWN_SPACE, f"“{name[:80]}” is not ENVIRONMENT/SPACE", hint=hint)
    catalog = catalogs[environment]
    batch = previews(ask, catalog, space)
    nobody = CallContext(None, "", ask.at, anonymous=catalog.anonymous, many=batch, hints=ask.hints)
    call = make_call(
        catalog, space, who=nobody, n=asked.n, categories=asked.categories, themes=asked.themes, data=ask.data
    )
    form = _space_form(catalogs.space(environment, space), catalog, call._replace(data={}), ask, batch=batch)
    all_exist = not (call.reports or asked.anonymous_categories)
    if all_exist and len(asked.categories) + len(asked.themes) <= MOST_NAMES:
        catalogs.forms.put(key, form)
    return form


def _space_form(
    live_space: LiveSpace, catalog: Catalog, call: Call, ask: ProposeRequest, *, batch: bool = False
) -> SpaceForm:
    model = live_space.model
    return SpaceForm(
        environment=catalog.environment,
        space=call.space,
        catalog=catalog,
        call=call,
        live_space=live_space,
        renderer=live_space.renderer(ask.status_base),
        outputs=_outputs(ask, model),
        stores=model.storage.enabled,
        batch=batch,
        channel=model.channel,
        status=model.storage.proposed,
        evidence=live_space.evidence,
    )


def _fallen_back(
    catalogs: Catalogs, ask: ProposeRequest, asked: SpaceRequest, who: Identified, pasts: HistoryReader
) -> SpaceCall:
    """The call to the space that answers for the one that was asked, since that one identified nobody."""
    catalog = catalogs[who.environment]
    call = make_call(
        catalog,
        who.space,
        who=CallContext(
            who.contact,
            who.key,
            ask.at,
            ask.seed,
            anonymous=catalog.anonymous,
            hints=ask.hints,
            permanent=ask.permanent,
            session=ask.session,
            identification=identification_of(who.how),
        ),
        n=asked.n,
        categories=asked.anonymous_categories or who.categories,
        data={key: value for key, value in ask.data.items() if key in catalog.call_data},
    )
    form = _space_form(catalogs.space(who.environment, who.space), catalog, call, ask)
    history = pasts(catalog, who.key, ask.at)
    return SpaceCall(asked.space, who, catalog, call, history, form, ask.store and form.stores)


def _outputs(ask: ProposeRequest, space: Space) -> tuple[str, ...]:
    """What the space's rendering functions are to make."""
    outputs = (*ask.outputs, "html") if ask.own_html and space.render.html is not None else ask.outputs
    return (*outputs, "proposition") if "xml" in outputs and space.render.proposition is not None else outputs


def previews(ask: ProposeRequest, catalog: Catalog, space: str) -> bool:
    """Whether the call only previews what a delivery would decide: it explains a space that is for batches."""
    return ask.explain and space in catalog.spaces and not catalog.spaces[space].unitary
