"""Fingerprints of what is approved of an offer: each identifies exactly one meaning of one aspect.

An approval is bound to fingerprints (domain.md §4). An offer's content on a space is its representation there with the
space's fields and rendering functions. Its eligibility is its weights, dates, conditions and filters, inherited ones
included. A fingerprint begins with its scheme number (docs/adr/0040-fingerprint-schemes.md). It depends only on bodies
and on the first names of resources, so it is computed once for all snapshots that share them.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import NamedTuple, TypeAlias

from offerkit.address import Address, Kind, environment_address
from offerkit.fingerprint import Json, JsonMap, canonical, digest, json_map
from offerkit.governance.bound_reads import (
    EVERY,
    names_in_rules,
    offer_field_reads,
    product_declarations,
    reads_renamed_space,
    renamed_call_spaces,
    template_reads,
)
from offerkit.plans.plan import ApprovalKey, Aspect
from offerkit.rules.written_form import written_form
from offerkit.state.effective import EffectiveOffer, Inheritance, declared_fields, filter_uses
from offerkit.state.snapshot import Snapshot
from offerkit.templates.space import Format, format_of, is_image, is_path

SCHEME = "2:"
"""The prefix of every new fingerprint; a fingerprint of scheme 1 is 64 hexadecimal digits without a prefix."""

_OWN = ("code", "enabled", "themes")
_INHERITED = ("enabled", "themes", "always_include", "multiplier")
_EXPRESSIONS = ("when", "formula")
_IDENTITY = frozenset({"code", "label", "name", "category"})
"""The names of an offer that reviewers see, and that its texts and conditions can therefore mention."""
_NAMES = _IDENTITY - {"category"}
_SPOKEN = frozenset({"label", "description"})
"""Fields of a parameter that are for readers only."""

_COUNTED = {"offer": Kind.OFFER, "category": Kind.CATEGORY}
"""What an entry of the contact's history names."""

_LAST = ("aspects", "")
_FingerprintCache: TypeAlias = dict[Hashable, str]
"""The fingerprints of one offer, by the other things they depend on."""


def content_fingerprint(view: Snapshot, address: Address, space: str) -> str:
    """The fingerprint of an offer's content on a space; empty if the space does not exist."""
    return content_fingerprints(view, address, (space,))[0]


def content_fingerprints(view: Snapshot, address: Address, spaces: Iterable[str]) -> list[str]:
    """:func:`content_fingerprint` for several spaces, in their order."""
    offer = view.offer(address)
    known, looks = _known_fingerprints(view, offer), _space_renderings(view, offer.around)
    assets, fields = _assets(view, offer), offer_field_reads(view, offer.around.environment)
    given: tuple[Hashable, ...] = (fields.key, _category_key(view, offer)) if fields is not None else ()
    products = product_declarations(view, offer.around.environment)
    given += (canonical(products),) if products else ()
    reads: dict[bytes, frozenset[str]] = {}  # most spaces show the same texts
    result = []
    for space in spaces:
        look = looks.get(space)
        key: Hashable = None if look is None else (look.key, assets, *given) if assets or given else look.key
        if view.origins:
            key = key, view.origins.of(offer.around.address(Kind.SPACE, space))
        print_ = known.get(key) if look is not None else ""
        if print_ is None:
            assert look is not None
            content = offer.content(space)
            shown = canonical(content)
            if shown not in reads:
                reads[shown] = _reads_of_offer(content.values())
            named = look.reads | reads[shown]
            names = named - fields.types.keys() if fields is not None else named
            spoken = canonical(_identity(offer, names)) if names else b"{}"
            parts = [assets] if assets and _below_assets(offer, look, content) else []
            if fields is not None and (bound := fields.bound(offer, named)):
                parts.append(canonical({"fields": bound}))
            if products and (read := _products_read(products, look, content.values())):
                parts.append(canonical({"products": read}))
            if view.origins and reads_renamed_space(view, offer.around, space, (*look.functions, *content.values())):
                parts.append(canonical({"space": space}))
            print_ = SCHEME + digest(b"content", shown, look.text, spoken, *parts)
            known[key] = print_
        result.append(print_)
    return result


def content_reads(view: Snapshot, address: Address, space: str) -> tuple[bool, bool]:
    """Whether content on a space shows the offer's names, and whether it shows more that scheme 1 did not include.

    That is labels of the space's fields, declared fields of the offer and of its products, and the address of images by
    a path; its names it did not always include.
    """
    offer = view.offer(address)
    look = _space_renderings(view, offer.around).get(space)
    if look is None:
        return False, False
    texts = list(offer.content(space).values())
    reads, fields = look.reads | _reads_of_offer(texts), offer_field_reads(view, address.environment)
    products = product_declarations(view, address.environment)
    more = bool(products) and bool(_products_read(products, look, texts))
    more |= bool(images_below(view, address, space))
    return bool(reads), look.labelled or more or (fields is not None and bool(fields.bound(offer, reads)))


def _products_read(products: JsonMap, look: _SpaceRendering, texts: Iterable[Json]) -> JsonMap:
    """The declarations of the products' values that a space's functions or an offer's ``texts`` read."""
    names = look.products | template_reads(texts, "product")
    return products if EVERY in names else {name: products[name] for name in sorted(names & products.keys())}


def images_below(view: Snapshot, address: Address, space: str) -> str:
    """The address below which an offer's images on ``space`` lie, if its content there names one by a path, or a
    product can.
    """
    offer = view.offer(address)
    look = _space_renderings(view, offer.around).get(space)
    if look is None or not _below_assets(offer, look, offer.content(space)):
        return ""
    return _assets(view, offer).decode()


def eligibility_fingerprint(view: Snapshot, address: Address) -> str:
    """The fingerprint of an offer's eligibility: for whom, when, and with what weight."""
    offer = view.offer(address)
    names = offer.every_filter
    filters = _state_key(view, (offer.around.address(Kind.FILTER, name) for name in names)) + _first_counted(
        view, offer
    )
    fields = offer_field_reads(view, offer.around.environment)
    given = ((fields.key,) if fields is not None else (), names_in_rules(view, offer))
    known, key = _known_fingerprints(view, offer), (_category_key(view, offer), filters, *given)
    if key not in known:
        known[key] = SCHEME + digest(b"eligibility", canonical(_eligibility(view, offer)))
    return known[key]


def _first_counted(view: Snapshot, offer: EffectiveOffer) -> tuple[str, ...]:
    """The first names of what the eligibility counts; empty if nothing was ever renamed."""
    return tuple(map(view.origins.of, _counted_by(offer))) if view.origins else ()


def _counted_by(offer: EffectiveOffer) -> list[Address]:
    """The offers and categories that the eligibility counts in the contact's history."""
    histories = [
        offer.get("eligible", "history"),
        *(json_map(each.body.get("eligible")).get("history") for each in offer.categories),
    ]
    return [
        offer.around.address(_COUNTED[key], str(value))
        for entries in histories
        for entry in (entries if isinstance(entries, list) else ())
        for key, value in sorted(json_map(entry).items())
        if key in _COUNTED
    ]


def counted(view: Snapshot, offer: Address) -> set[Address]:
    """What the eligibility of ``offer`` counts, offers and categories: it depends on their names, not their bodies."""
    return set(_counted_by(view.offer(offer)))


def _eligibility(view: Snapshot, offer: EffectiveOffer) -> JsonMap:
    """The eligibility in fingerprint form: conditions by meaning, categories and spaces by their first names."""
    meaning = _EligibilityMeaning(view, offer)
    eligible, weights = offer.get("eligible"), offer.get("weights")
    own = eligible if isinstance(eligible, dict) else {}
    body: JsonMap = {
        **offer.pick(_OWN),
        "eligible": meaning.part({key: value for key, value in own.items() if key != "filters"}),
        "filters": meaning.filters(own.get("filters")),
        "weights": [meaning.part(weight) for weight in (weights if isinstance(weights, list) else ())],
        "category": meaning.at_first(Kind.CATEGORY, offer.category),
        "categories": [
            {
                "is": view.origins.of(layer.address),
                "eligible": meaning.part(layer.body.get("eligible")),
                **{part: layer.body[part] for part in _INHERITED if part in layer.body},
            }
            for layer in offer.categories
        ],
    }
    if called := names_in_rules(view, offer):
        body["called"] = [*called]
    fields = offer_field_reads(view, offer.around.environment)
    reads = meaning.reads
    if fields is not None:
        bound = fields.bound(offer, reads | fields.by_all | ({EVERY} if _is_dynamic(offer) else set()))
        body = {**body, "fields": bound} if bound else body
        reads = reads - fields.types.keys()
    # A condition that reads one of the offer's names is bound to all of them, but to its category only if it reads it.
    return {**body, "offer": _identity(offer, reads | _NAMES if reads else reads)}


def eligibility_reads_fields(view: Snapshot, address: Address) -> bool:
    """Whether an offer's eligibility is bound to declared fields, which scheme 1 did not know."""
    return "fields" in _eligibility(view, view.offer(address))


class _EligibilityMeaning:
    """Converts parts of bodies to fingerprint form; ``reads`` collects the offer's fields that conditions name."""

    def __init__(self, view: Snapshot, offer: EffectiveOffer) -> None:
        self._view, self._around = view, offer.around
        self.reads: frozenset[str] = frozenset()

    def at_first(self, kind: Kind, name: str) -> str:
        """The resource's first name."""
        return self._view.origins.of(self._around.address(kind, name))

    def part(self, body: Json) -> Json:
        """A period, weight or filter: expressions by meaning, spaces by their first names."""
        if not isinstance(body, dict):
            return body
        result = dict(body)
        for key in _EXPRESSIONS:
            text = body.get(key)
            if isinstance(text, str):
                tree, reads = written_form(text)
                called = renamed_call_spaces(self._view, self._around, text)
                result[key] = [tree, called] if called else tree
                self.reads |= reads
        if "filters" in body:
            result["filters"] = self.filters(body["filters"])
        if "history" in body:
            result["history"] = self._counted(body["history"])
        spaces = body.get("spaces")
        if isinstance(spaces, list):
            result["spaces"] = [*sorted(self.at_first(Kind.SPACE, str(space)) for space in spaces)]
        return result

    def _counted(self, entries: Json) -> list[Json]:
        """What is counted of the contact's history: offers and categories by their first names."""
        return [
            {
                key: self.at_first(_COUNTED[key], str(value)) if key in _COUNTED else value
                for key, value in entry.items()
            }
            for entry in (entries if isinstance(entries, list) else ())
            if isinstance(entry, dict)
        ]

    def filters(self, uses: Json) -> list[Json]:
        """A list of uses of filters."""
        return [self._filter(use) for use in filter_uses(uses)]

    def _filter(self, use: JsonMap) -> Json:
        """A use of a filter: its condition, parameters and values, but not its name."""
        _, body = self._around.filter(str(use.get("filter")))
        arguments = {key: value for key, value in use.items() if key != "filter"}
        if body is None:
            return [None, arguments]
        declared = body.get("parameters")
        parameters: JsonMap = {
            name: {key: value for key, value in declaration.items() if key not in _SPOKEN}
            if isinstance(declaration, dict)
            else declaration
            for name, declaration in (declared if isinstance(declared, dict) else {}).items()
        }
        return [self.part({"when": body.get("when")}), parameters, arguments]


class BoundValues(NamedTuple):
    """What an aspect is bound to besides the texts, conditions, weights and dates that it covers.

    ``fields``: the type and value of each declared field of the offer that it reads. ``names``: the offer's code,
    label, name and category, as far as it reads them. ``products``: the declarations of products' values that it reads.
    """

    fields: dict[str, tuple[str, str]]
    names: JsonMap
    products: JsonMap


def bound_values(view: Snapshot, key: ApprovalKey) -> BoundValues:
    """What the aspect ``key`` of an offer reads: for reviewers, whose approval each of them resets."""
    offer = view.offer(key.address)
    if key.aspect is Aspect.ELIGIBILITY:
        body = _eligibility(view, offer)
        called = _identity(offer, frozenset({"name", "category"})) if "called" in body else {}
        return BoundValues(_typed(json_map(body.get("fields"))), {**called, **json_map(body["offer"])}, {})
    look = _space_renderings(view, offer.around).get(key.space)
    if look is None:
        return BoundValues({}, {}, {})
    texts, fields = list(offer.content(key.space).values()), offer_field_reads(view, offer.around.environment)
    reads = look.reads | _reads_of_offer(texts)
    names = reads - fields.types.keys() if fields is not None else reads
    return BoundValues(
        _typed(fields.bound(offer, reads)) if fields is not None else {},
        _identity(offer, names) if names else {},
        _products_read(product_declarations(view, offer.around.environment), look, texts),
    )


def _typed(bound: JsonMap) -> dict[str, tuple[str, str]]:
    return {name: (str(pair[0]), str(pair[1])) for name, pair in bound.items() if isinstance(pair, list)}


def approval_keys(view: Snapshot, address: Address) -> list[ApprovalKey]:
    """All keys of an offer that need approval: its eligibility, and its content on each space."""
    spaces = view.offer(address).shown_on
    prints = zip(spaces, content_fingerprints(view, address, spaces), strict=True)
    return [
        ApprovalKey(address, Aspect.ELIGIBILITY, "", eligibility_fingerprint(view, address)),
        *(ApprovalKey(address, Aspect.CONTENT, space, print_) for space, print_ in prints),
    ]


def affecting(view: Snapshot, offer: Address) -> set[Address]:
    """The addresses whose bodies can change the fingerprints of ``offer``, its own included.

    The offer can be live on spaces that it no longer names; they count too. So does what declares fields of offers, and
    what reads them of every offer.
    """
    fields = offer_field_reads(view, offer.environment)
    declared = {environment_address(offer.environment)} if product_declarations(view, offer.environment) else set()
    return contributing(view, offer) | declared | (fields.addresses if fields is not None else frozenset())


def contributing(view: Snapshot, offer: Address) -> set[Address]:
    """The offer's address, and those of all that it inherits from, uses, and is shown on."""
    known = view.offer(offer)
    active = view.entries[offer].activation or ()
    around = known.around
    environment = {environment_address(around.environment)} if _assets(view, known) else set[Address]()
    return {offer, *known.relies_on, *[around.address(Kind.SPACE, space) for space in active], *environment}


class _SpaceRendering(NamedTuple):
    """How a space renders any offer: the canonical bytes of its fields and rendering functions.

    ``key``: the space's name and fingerprint. ``reads``: the offer's own fields that the functions read.
    ``products``: the values of products that they read. ``labelled``: whether field labels are shown. ``images``: the
    fields that hold the address of an image.
    """

    key: str
    text: bytes
    reads: frozenset[str]
    products: frozenset[str]
    labelled: bool
    images: frozenset[str]
    functions: tuple[Json, ...]


def _known_fingerprints(view: Snapshot, offer: EffectiveOffer) -> _FingerprintCache:
    """The fingerprints computed so far for this offer with these templates, by any snapshot that shares bodies."""
    last: tuple[str, _FingerprintCache] = view.memo.get(
        _LAST, ("", {})
    )  # one offer is asked about on many spaces in a row
    if last[0] != offer.address:
        key = ("aspects", *_state_key(view, (layer.address for layer in offer.layers)))
        last = view.memo[_LAST] = offer.address, view.derived.setdefault(key, {})
    return last[1]


def _state_key(view: Snapshot, addresses: Iterable[Address]) -> tuple[str, ...]:
    """A cache key for the resources at ``addresses``: addresses, fingerprints, and first names if any differ."""
    entries, origins = view.entries, view.origins
    result: list[str] = []
    for address in addresses:
        entry = entries.get(address)
        result += (address, entry.fingerprint if entry is not None else "")
        if origins:
            result.append(origins.of(address))
    return tuple(result)


def _category_key(view: Snapshot, offer: EffectiveOffer) -> tuple[str, ...]:
    """A cache key for the categories of ``offer`` and the first names of spaces; many offers share a category."""
    around = offer.around
    cache_key = ("categories", around.address(Kind.CATEGORY, offer.category))
    known: tuple[str, ...] | None = view.memo.get(cache_key)
    if known is None:
        known = _state_key(view, (layer.address for layer in offer.categories))
        if view.origins:
            own = view.origins.of(around.address(Kind.CATEGORY, offer.category))
            known += (own, *(f"{space}={view.origins.of(space)}" for space in around.space_addresses))
        view.memo[cache_key] = known
    return known


def _space_renderings(view: Snapshot, around: Inheritance) -> dict[str, _SpaceRendering]:
    """How each space of an environment renders offers, by the space's name."""
    cache_key = ("looks", around.environment)
    known: dict[str, _SpaceRendering] | None = view.memo.get(cache_key)
    if known is None:
        known = {space.name: _space_rendering(view, space.name, space.address) for space in around.spaces.values()}
        view.memo[cache_key] = known
    return known


def _space_rendering(view: Snapshot, space: str, address: Address) -> _SpaceRendering:
    """How the space at ``address`` renders any offer of its environment."""
    key = ("look", space, view.entries[address].fingerprint)
    known: _SpaceRendering | None = view.derived.get(key)
    if known is None:
        body = view(address) or {}
        fields, render = declared_fields(body), body.get("render")
        functions = render if isinstance(render, dict) else {}
        # A field's label is for those who edit offers, but the default HTML shows the labels of links.
        labels = [] if "html" in functions else [field.get("label") or "" for field in fields if _is_link(field)]
        text = canonical([[[f.get("name"), f.get("type"), f.get("required")] for f in fields], render, labels])
        images = filter(is_image, (str(field.get("name")) for field in fields if _is_url(field)))
        known = _SpaceRendering(
            " ".join(key[1:]),
            text,
            _reads_of_offer(functions.values()),
            template_reads(functions.values(), "product"),
            any(labels),
            frozenset(images),
            tuple(functions.values()),
        )
        view.derived[key] = known
    return known


def _is_link(field: JsonMap) -> bool:
    """Whether the default HTML renders a field as a link with its label as text (``templates/defaults.py``)."""
    return _is_url(field) and not is_image(str(field.get("name")))


def _is_url(field: JsonMap) -> bool:
    name, type_ = str(field.get("name")), field.get("type")
    return format_of(name, None if type_ is None else str(type_)) is Format.URL


def _assets(view: Snapshot, offer: EffectiveOffer) -> bytes:
    """The address of the environment's images, for an offer that can show one by a path; empty for all others."""
    cache_key = ("assets", offer.around.environment)
    assets: bytes | None = view.memo.get(cache_key)
    if assets is None:
        body = view(environment_address(offer.around.environment)) or {}
        assets = view.memo[cache_key] = str(body.get("assets") or "").encode()
    return assets if assets and (_is_dynamic(offer) or any(map(_image_paths, offer.all_texts))) else b""


def _below_assets(offer: EffectiveOffer, look: _SpaceRendering, content: JsonMap) -> bool:
    """Whether an image of the offer on a space lies below ``assets``: by its text, or maybe by a product's value."""
    return bool(look.images) and (_is_dynamic(offer) or not look.images.isdisjoint(_image_paths(content)))


def _is_dynamic(offer: EffectiveOffer) -> bool:
    """Whether a hook makes products of the offer, whose values replace its content."""
    weights = offer.get("weights")
    return any(json_map(weight).get("dynamic") for weight in (weights if isinstance(weights, list) else ()))


def _image_paths(texts: JsonMap) -> frozenset[str]:
    """The fields whose text is an image's path below ``assets``."""
    return frozenset(name for name, text in texts.items() if is_image(name) and isinstance(text, str) and is_path(text))


def _identity(offer: EffectiveOffer, reads: frozenset[str]) -> JsonMap:
    """The offer's code, label, name and category, as far as they are read; all of them if that is uncertain."""
    name = offer.address.name
    identity: JsonMap = {
        "code": offer.get("code") or name,
        "label": offer.get("label") or "",
        "name": name,
        "category": offer.category,
    }
    return {key: value for key, value in identity.items() if key in reads or not reads <= _IDENTITY}


def _reads_of_offer(texts: Iterable[Json]) -> frozenset[str]:
    """The offer's own fields that templates read; ``*`` for a template that cannot be parsed."""
    return template_reads(texts, "offer")
