"""Random projects: small, valid, and cut into files in any way."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import strategies as st

from helpers.files import Files, base

Model = dict[str, dict[str, Any]]
"""The shop's own sections: bodies by name, by section."""

WHENS = ["person.age >= 18", "person.age >= 21", "person.country = 'NO'"]
TEXTS = ["one", "two", "no", "1e3", "<b>three</b>", "vier\nzeilen\n", "2026-01-01", "", "ünï"]
PATHS = ["a", "a/b", "a/b/c", "d"]
text = st.sampled_from(TEXTS)
number = st.sampled_from([1, 5, 10, 99])


def _optional(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


eligible = _optional(when=st.sampled_from(WHENS), until=st.sampled_from(["2026-12-31", "2027-06-30"]))
space = st.fixed_dictionaries(
    {
        "channel": st.just("email"),
        "fields": st.just([{"name": "title", "required": True}, {"name": "text"}, {"name": "html"}]),
    },
    optional={"render": st.sampled_from([{"html": "<b>{{ title }}</b>"}, {"text": "{{ title }}"}]), "label": text},
)
category = _optional(
    label=text,
    eligible=eligible,
    multiplier=st.fixed_dictionaries({"factor": number}),
    themes=st.sampled_from([["x"], ["x", "y"]]),
)
template = _optional(
    label=text,
    content=_optional(text=text),
    representations=_optional(web=_optional(html=text)),
    weights=st.lists(st.fixed_dictionaries({"weight": number}), min_size=1, max_size=2),
    reviewers=st.sampled_from([{"content": ["brand"]}, {"eligibility": ["risk"]}]),
)
condition = st.fixed_dictionaries({"when": st.sampled_from(WHENS)}, optional={"label": text})


@st.composite
def offer(draw: st.DrawFn, model: Model) -> dict[str, Any]:
    """An offer that fits ``model``."""
    body: dict[str, Any] = {
        "category": draw(st.sampled_from(sorted(model["categories"]))),
        "content": {"title": draw(text), **draw(_optional(text=text, html=text))},
        **draw(_optional(label=text, enabled=st.booleans(), themes=st.just(["z"]))),
    }
    limits: dict[str, Any] = dict(draw(eligible))
    if model["filters"] and draw(st.booleans()):
        limits["filters"] = [draw(st.sampled_from(sorted(model["filters"])))]
    if limits:
        body["eligible"] = limits
    if model["templates"] and draw(st.booleans()):
        body["template"] = draw(st.sampled_from(sorted(model["templates"])))
    named = draw(st.lists(st.sampled_from(sorted(model["spaces"])), unique=True, max_size=2))
    if named:
        body["spaces"] = named
        body["representations"] = {named[0]: {"title": draw(text)}}
    if draw(st.booleans()):
        body["weights"] = [{"weight": draw(number), "label": f"w{n}"} for n in range(draw(st.integers(1, 3)))]
    return body


@st.composite
def models(draw: st.DrawFn) -> Model:
    """A whole catalog."""
    model: Model = {
        "spaces": {"web": draw(space), **({"mail": draw(space)} if draw(st.booleans()) else {})},
        "filters": draw(st.dictionaries(st.sampled_from(["f1", "f2"]), condition)),
        "categories": {path: draw(category) for path in PATHS[: draw(st.integers(1, len(PATHS)))]},
        "templates": draw(st.dictionaries(st.sampled_from(["t1", "t2"]), template)),
        "offers": {},
    }
    for number_ in range(draw(st.integers(1, 4))):
        model["offers"][f"o{number_}"] = draw(offer(model))
    return model


def files_of(model: Model, seed: int = 0, moved: dict[str, str] | None = None) -> Files:
    """The model as files: seed 0 in one file, any other seed cut and shuffled in its own way."""
    shared = base("shop")
    files: Files = {
        "environments/shop.yaml": {"version": 1, "environment": {"dimension": "person"}},
        "specs/shared.yaml": shared["specs/shared.yaml"],
    }
    if not seed:
        return files | {"specs/shop/all.yaml": {"version": 1, "moved": moved or {}, **model}}
    rng = random.Random(seed)
    items = [(section, name, body) for section, bodies in model.items() for name, body in bodies.items()]
    rng.shuffle(items)
    for section, name, body in items:
        path = f"specs/shop/{rng.choice(['', 'deep/', 'a/b/'])}{rng.randrange(3)}.yaml"
        content = files.setdefault(path, {"version": 1})
        content.setdefault(section, {})[name] = shuffled(body, rng)
    if moved:
        files.setdefault("specs/shop/moved.yaml", {"version": 1, "moved": moved})
    return {path: files[path] for path in rng.sample(sorted(files), len(files))}


def shuffled(value: Any, rng: random.Random) -> Any:
    """The same with the keys of every map in another order; lists keep theirs."""
    if isinstance(value, dict):
        return {key: shuffled(value[key], rng) for key in rng.sample(sorted(value), len(value))}
    return [shuffled(item, rng) for item in value] if isinstance(value, list) else value
