"""One offer means one thing to all: the engine, approvals, the checks of specs, and what is shown of it.

Chains of templates lead anywhere here: to themselves, to each other, to what is not there. Categories are missing in
the middle, spaces are named that nobody declared. A naive reading of the bodies is the second opinion.
"""

from __future__ import annotations

from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from offerkit.address import Kind, parse_address
from offerkit.diagnostics import Position
from offerkit.engine.compile import compile_catalog
from offerkit.fingerprint import canonical, fingerprint
from offerkit.governance.aspects import approval_keys
from offerkit.models import model_of
from offerkit.specs.offer_content import inheritance_of
from offerkit.specs.record import Index, Record, ResourceFacts
from offerkit.state.changes import Body, Entry
from offerkit.state.eligibility import eligibility
from offerkit.state.origins import GivenPart, content_parts, parts_of
from offerkit.state.references import resource_refs
from offerkit.state.snapshot import Snapshot
from offerkit.usecases.content_renderer import ContentRenderer

Bodies = dict[str, dict[str, Any]]
TEMPLATES = ["t1", "t2", "t3", "none"]
SPACES = ["web", "mail", "wall"]
FIELDS = ["title", "text", "image"]
texts = st.dictionaries(st.sampled_from(FIELDS), st.sampled_from(["one", "two", "three"]), max_size=3)
BASE: Bodies = {
    "dimension.person": {"fields": {"id": {"type": "string"}, "age": {"type": "integer"}}, "key": ["id"]},
    "environment.s": {"dimension": "person"},
    "s/filter.f": {"when": "person.age > 1"},
}


@st.composite
def says(draw: st.DrawFn) -> dict[str, Any]:
    """What an offer or a template may say."""
    maybe: dict[str, st.SearchStrategy[Any]] = {
        "template": st.sampled_from(TEMPLATES),
        "content": texts,
        "representations": st.dictionaries(st.sampled_from(SPACES), texts, max_size=2),
        "spaces": st.lists(st.sampled_from([*SPACES, "nowhere"]), unique=True, max_size=2),
        "themes": st.lists(st.sampled_from("xyz"), unique=True, max_size=2),
        "weights": st.lists(st.fixed_dictionaries({"weight": st.integers(1, 9)}), max_size=2),
        "eligible": st.fixed_dictionaries(
            {},
            optional={
                "when": st.sampled_from(["person.age > 2", "person.age > 3"]),
                "until": st.just("2027-01-01"),
                "filters": st.lists(st.just("f"), max_size=1),
            },
        ),
        "reviewers": st.fixed_dictionaries(
            {}, optional={"content": st.just(["brand"]), "eligibility": st.just(["ann"])}
        ),
    }
    body: dict[str, Any] = draw(st.fixed_dictionaries({}, optional=maybe))
    return body


@st.composite
def stages(draw: st.DrawFn) -> Bodies:
    """A stage of one environment, whole or with holes."""
    bodies = dict(BASE)
    for name in draw(st.lists(st.sampled_from(SPACES), unique=True)):
        fields = [{"name": f, "required": draw(st.booleans())} for f in draw(st.permutations(FIELDS))]
        bodies[f"s/space.{name}"] = {"channel": "email", "fields": fields[: draw(st.integers(1, 3))]}
    for path in draw(st.lists(st.sampled_from(["a", "a/b", "a/b/c"]), unique=True)):
        bodies[f"s/category.{path}"] = {
            "themes": draw(st.lists(st.sampled_from("uvx"), unique=True, max_size=2)),
            "always_include": draw(st.booleans()),
        }
    for name in TEMPLATES[:3]:
        if draw(st.booleans()):
            bodies[f"s/template.{name}"] = {**draw(says()), "label": "not handed down"}
    for name in ("o1", "o2"):
        bodies[f"s/offer.{name}"] = {**draw(says()), "category": draw(st.sampled_from(["a", "a/b/c", "z"]))}
    return bodies


def snapshot(bodies: Bodies) -> Snapshot:
    entries, stored = {}, {}
    for address, value in ((parse_address(text), value) for text, value in bodies.items()):
        kind = address.kind
        body = canonical(model_of(kind).model_validate(value).body())
        entries[address] = Entry(fingerprint(kind, body))
        stored[entries[address].fingerprint] = Body(kind, body.decode())
    return Snapshot(entries, stored)


def index(seen: Snapshot) -> Index:
    """The same as the loader has it: facts, and no texts."""
    records = []
    for address in seen.entries:
        resource: Any = model_of(address.kind).model_validate(seen(address))
        facts = ResourceFacts()
        if address.kind in (Kind.OFFER, Kind.TEMPLATE):
            by_space = {name: tuple(given) for name, given in resource.representations.items()}
            facts = ResourceFacts(fields=tuple(resource.content), representations=by_space, spaces=resource.spaces)
        elif address.kind is Kind.SPACE:
            needed = tuple(field.name for field in resource.fields if field.required)
            facts = ResourceFacts(fields=tuple(field.name for field in resource.fields), required=needed)
        refs = tuple(resource_refs(address, resource))
        records.append(
            Record(address, address.environment, address.kind, address.name, "-", Position("x", 1, 1), refs, facts)
        )
    return Index.of(records)


class Naive:
    """An offer read by hand."""

    def __init__(self, seen: Snapshot, address: str) -> None:
        self.seen, self.layers = seen, [address]
        name = (seen(address) or {}).get("template")
        while name and f"s/template.{name}" not in self.layers and seen(f"s/template.{name}") is not None:
            self.layers.append(f"s/template.{name}")
            name = (seen(self.layers[-1]) or {}).get("template")

    def nearest(self, *path: str) -> tuple[Any, str]:
        for address in self.layers:
            value: Any = self.seen(address)
            for key in path:
                value = value.get(key) if isinstance(value, dict) else None
            if value is not None:
                return value, address
        return None, self.layers[0]

    def content(self, space: str) -> dict[str, Any]:
        body: Any = self.seen(f"s/space.{space}")
        found = {}
        for field in body["fields"]:
            for path in (("representations", space, field["name"]), ("content", field["name"])):
                value, _ = self.nearest(*path)
                if value is not None:
                    found[field["name"]] = value
                    break
        return found

    def missing(self, space: str) -> list[str]:
        body: Any = self.seen(f"s/space.{space}")
        given = self.content(space)
        return [field["name"] for field in body["fields"] if field.get("required") and field["name"] not in given]

    def shown_on(self) -> list[str]:
        there = [space for space in SPACES if self.seen(f"s/space.{space}") is not None]
        named, _ = self.nearest("spaces")
        return sorted(space for space in there if (space in named if named else not self.missing(space)))

    def categories(self) -> list[str]:
        category: Any = (self.seen(self.layers[0]) or {})["category"]
        parts = category.split("/")
        paths = ["/".join(parts[: depth + 1]) for depth in range(len(parts))]
        return [path for path in paths if self.seen(f"s/category.{path}") is not None]

    def themes(self) -> set[str]:
        own, _ = self.nearest("themes")
        above = [(self.seen(f"s/category.{path}") or {}).get("themes", []) for path in self.categories()]
        return set(own or []).union(*above)


CIRCLE: Bodies = {
    **BASE,
    "s/space.web": {"channel": "email", "fields": [{"name": "title", "required": True}, {"name": "text"}]},
    "s/category.a": {"themes": ["u"], "always_include": True},
    "s/category.a/b/c": {"themes": ["v"]},
    "s/template.t1": {"template": "t2", "content": {"title": "t1"}, "weights": [{"weight": 2}]},
    "s/template.t2": {"template": "t1", "representations": {"web": {"title": "t2"}}, "spaces": ["web", "nowhere"]},
    "s/offer.o1": {"template": "t1", "category": "a/b/c", "content": {"title": "own"}},
    "s/offer.o2": {"category": "z"},
}  # fmt: skip


@given(stages())
@example(CIRCLE)
def test_all_agree_on_what_an_offer_is(bodies: Bodies) -> None:
    seen = snapshot(bodies)
    spaces = [space for space in SPACES if f"s/space.{space}" in bodies]
    activated = {address: seen.offer(address).shown_on for address in seen.of_kind(Kind.OFFER)}
    catalog = compile_catalog("s", {address: seen(address) or {} for address in seen.entries}, activated)
    declared = inheritance_of(index(seen), "s")
    for address in seen.of_kind(Kind.OFFER):
        naive, offer, as_declared = Naive(seen, address), seen.offer(address), declared.offer(address)
        compiled = catalog.offers[catalog.position_of[address.name]]

        # where it is to be shown: approvals, the catalog of what is designed, the checks of specs
        shown = naive.shown_on()
        assert [key.space for key in approval_keys(seen, address)[1:]] == shown == list(offer.shown_on)
        assert compiled.spaces == set(shown)
        assert list(as_declared.shown_on) == shown

        # what it shows there, and what is missing
        for space in spaces:
            content = naive.content(space)
            assert offer.content(space) == content
            assert list(offer.missing(space)) == naive.missing(space) == as_declared.missing(space)
            assert as_declared.content(space).keys() == content.keys()
            renderer = ContentRenderer(seen, catalog, space)
            assert renderer._offer(compiled.name).texts == content
            for field in content:
                origin = as_declared.content_origin(space, field)
                assert origin == offer.content_origin(space, field)
                assert origin is not None
                assert naive.nearest(*map(str, origin[1])) == (content[field], origin[0])

        # what it inherits from categories, and who may be proposed it
        assert [category.path for category in compiled.chain] == naive.categories()
        assert [layer.name for layer in offer.categories] == naive.categories()
        assert compiled.themes == offer.themes == naive.themes()
        always = any((seen(f"s/category.{path}") or {}).get("always_include") for path in naive.categories())
        assert (compiled.position in catalog.always) == always
        for aspect in ("content", "eligibility"):
            assert offer.reviewers(aspect) == tuple(naive.nearest("reviewers", aspect)[0] or ())

        # who says so: the origin that explanations name is the one that counts
        for path in (("eligible", "when"), ("eligible", "until"), ("eligible", "filters"), ("weights",), ("themes",)):
            value, says = naive.nearest(*path)
            assert offer.get(*path) == value
            assert compiled.where(path)[0] == offer.origin(path) == says
        assert {weight.address for weight in compiled.weights} == {naive.nearest("weights")[1]}
        weights = [str(weight["weight"]) for weight in naive.nearest("weights")[0] or [{"weight": 1}]]
        assert [str(weight.number) for weight in compiled.weights] == weights
        assert len(compiled.requirements) == len(naive.nearest("eligible", "filters")[0] or []) + bool(
            naive.nearest("eligible", "when")[0]
        )


SURROUNDINGS: Bodies = {
    "environment.s": {"when": "person.age > 4", "filters": ["f"], "time_zone": "Europe/Paris", "offer_fields": {"rate": {"type": "string"}}},
    "s/category.a": {"eligible": {"from": "2026-01-01", "filters": ["f"]}, "fields": {"rate": "a"}, "enabled": False},
    "s/category.a/b": {"multiplier": {"factor": 2, "until": "2027-01-01"}, "fields": {"rate": "b"}},
    "s/category.a/b/c": {"eligible": {"when": "person.age > 5"}, "fields": {"rate": "c"}},
    "s/template.t1": {"fields": {"rate": "t1"}},
    "s/offer.o1": {"fields": {"rate": "o1"}, "label": "One", "code": "1"},
}  # fmt: skip
"""What stages say besides: conditions, multipliers and declared fields, at every level."""


def put_together(parts: list[GivenPart]) -> dict[str, Any]:
    whole: dict[str, Any] = {}
    for part in parts:
        place = whole
        for key in part.path[:-1]:
            place = place.setdefault(str(key), {})
        assert part.path[-1] not in place, "two parts give the same value"
        place[str(part.path[-1])] = part.value
    return whole


def at_path(body: Any, part: GivenPart) -> Any:
    for key in part.path:
        body = body[key]
    return body


@given(stages(), st.sets(st.sampled_from(sorted(SURROUNDINGS))))
@example(CIRCLE, set(SURROUNDINGS))
def test_the_origins_put_together_give_what_an_offer_is(bodies: Bodies, said: set[str]) -> None:
    bodies = {text: {**body, **(SURROUNDINGS.get(text, {}) if text in said else {})} for text, body in bodies.items()}
    seen = snapshot(bodies)
    for address in (*seen.of_kind(Kind.OFFER), *seen.of_kind(Kind.TEMPLATE)):
        offer, parts = seen.offer(address), parts_of(seen, address)
        for part in parts:
            assert at_path(seen(part.origin), part) == part.value, "an origin's body has the part"
        own = {address, *(layer.address for layer in offer.layers)}
        assert put_together([part for part in parts if part.origin in own]) == offer.body
        for space in offer.shown_on:
            texts = list(content_parts(offer, space))
            assert {str(text.path[-1]): text.value for text in texts} == offer.content(space)
            assert all(at_path(seen(text.origin), text) == text.value for text in texts)
        if address.kind is Kind.TEMPLATE:
            continue

        # what is inherited from elsewhere: nothing is missing of all that decides, and of each field one value is left
        given = {(part.path[-1], str(part.value), part.origin) for part in parts}
        for condition in eligibility(seen, address):
            if condition.part == "filter":
                assert any(part.origin == condition.origin and part.user is not None for part in parts)
            elif condition.part == "multiplier":
                assert any(part.path[0] == "multiplier" and part.origin == condition.origin for part in parts)
            else:
                assert (condition.part, str(condition.value), condition.origin) in given
        fields = [part for part in parts if part.path[0] == "fields"]
        assert {part.path[1]: part.value for part in fields} == offer.fields
        assert all(part.origin == offer.field_origin(str(part.path[1])) for part in fields)
        themes = {name for part in parts if part.path == ("themes",) for name in part.value or ()}  # type: ignore[union-attr]
        assert themes == offer.themes


@given(stages(), st.sets(st.sampled_from(sorted(SURROUNDINGS))))
def test_every_other_resource_has_its_own_body(bodies: Bodies, said: set[str]) -> None:
    bodies = {text: {**body, **(SURROUNDINGS.get(text, {}) if text in said else {})} for text, body in bodies.items()}
    seen = snapshot(bodies)
    for address in seen.entries:
        if address.kind not in (Kind.OFFER, Kind.TEMPLATE):
            parts = parts_of(seen, address)
            assert put_together([part for part in parts if part.origin == address]) == seen(address)
            assert all(at_path(seen(part.origin), part) == part.value for part in parts)
