"""Projects made up from a seed: small, crowded, and nearly always valid."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

Sections = dict[str, dict[str, Any]]
Files = dict[str, str]

ZONES = ("UTC", "Europe/Paris", "America/New_York", "Asia/Tokyo", "Pacific/Auckland")
CONDITIONS: dict[str, tuple[str, ...]] = {
    "person": (
        "person.age >= 18", "person.age < 60 or person.tier = 'gold'", "not (person.tier = 'gold')",
        "person.tier is null",
        "person.score > 0.5 and person.age > 20", "person.country <> 'NO'", "current_date >= date '2026-06-05'",
        "contains(person.tags, 'snow')", "coalesce(person.member, false) = false", "person.country in ('FR', 'BE')",
        "interaction.page = '/a'", "person.score / (person.age - 40) > 0", "person.born < date '1990-01-01'",
        "person.age between 20 and 50 and person.email is not null", "length(person.email) > 5",
    ),
    "guest": (
        "guest.pages > 3", "guest.lang = 'fr'", "coalesce(guest.bot, false) = false", "guest.lang is null",
        "interaction.page = '/a'", "current_date < date '2026-06-20'",
    ),
    "firm": ("firm.size > 10", "firm.sector = 'bank'", "firm.sector is null", "firm.size / (firm.size - 7) > 1"),
}  # fmt: skip
FORMULAS: dict[str, tuple[str, ...]] = {
    "person": ("10 * person.score", "person.age - 40", "case when person.tier = 'gold' then 3 else 1 end", "2.5"),
    "guest": ("guest.pages", "case when guest.lang = 'fr' then 4 else 1 end"),
    "firm": ("firm.size / 10.0", "5"),
}
TEXTS = ("one", "Two words", "no", "1e3", "<b>three</b>", "vier\nzeilen\n", "2026-01-01", "ünï", "a & b", "010", "null")
PATHS = ("a", "a/b", "a/b/c", "d", "d/e", "f")
THEMES = ("x", "y", "z")
PEOPLE = ("omar", "olga", "brand", "risk", "ada")
KEYS = {"person": ["id"], "guest": ["id"], "firm": ["code", "part"]}
AXES = {"person": ("country", "tier", "member"), "guest": ("lang", "bot"), "firm": ("sector",)}


@dataclass
class Place:
    """An environment: what it is called, whose people it is for, and all its sections."""

    name: str
    dimension: str
    settings: dict[str, Any]
    sections: Sections
    moved: dict[str, str] = field(default_factory=dict)


@dataclass
class Project:
    """All that is on disk; ``shared`` are the dimensions and operators."""

    places: list[Place]
    shared: Sections
    layout: int
    serial: int = 0
    cases: dict[str, Any] = field(default_factory=dict)

    def fresh(self, prefix: str) -> str:
        """A name that nothing ever had."""
        self.serial += 1
        return f"{prefix}{self.serial}"

    def files(self) -> Files:
        """The files of the project, cut as ``layout`` says."""
        rng = Random(self.layout)
        content: dict[str, Any] = {"specs/shared.yaml": {"version": 1, **self.shared}}
        for place in self.places:
            content[f"environments/{place.name}.yaml"] = {"version": 1, "environment": place.settings}
            for section, bodies in place.sections.items():
                for name, body in bodies.items():
                    part = "all" if not self.layout else rng.choice(("one", "deep/two", section))
                    file = content.setdefault(f"specs/{place.name}/{part}.yaml", {"version": 1})
                    file.setdefault(section, {})[name] = body
            if place.moved:
                content[f"specs/{place.name}/moved.yaml"] = {"version": 1, "moved": place.moved}
        if self.cases:
            content["cases/all.yaml"] = {"version": 1, "cases": self.cases}
        return {path: json.dumps(value, indent=1, ensure_ascii=False) + "\n" for path, value in content.items()}


def project(rng: Random) -> Project:
    """A whole project."""
    names = ["shop", *(["guests"] if rng.random() < 0.7 else []), *(["firms"] if rng.random() < 0.35 else [])]
    dimensions = {"shop": "person", "guests": "guest", "firms": rng.choice(("firm", "person"))}
    shared: Sections = {"dimensions": _dimensions(names, dimensions), "operators": _operators(rng)}
    made = Project([], shared, layout=rng.randint(0, 3))
    for name in names:
        made.places.append(_place(rng, name, dimensions[name], "guests" in names))
    made.cases = _cases(rng, made)
    mend(made)
    return made


def contacts(rng: Random) -> Files:
    """The people, with many fields that nobody knows."""

    def maybe(value: object, chance: float = 0.2) -> str:
        return "" if rng.random() < chance else str(value)

    people = ["id,email,age,tier,score,country,born,tags,member"]
    for number in range(1, 31):
        fields = [
            str(number), maybe(f"p{number}@example.com", 0.1), maybe(rng.choice((15, 20, 33, 40, 41, 70))),
            maybe(rng.choice(("gold", "silver"))), maybe(rng.choice(("0", "0.25", "0.7", "1"))),
            maybe(rng.choice(("FR", "BE", "NO", "US"))), maybe(f"19{rng.randint(50, 99)}-0{rng.randint(1, 9)}-11"),
            maybe(rng.choice(("[]", "snow", "snow|city"))), maybe(rng.choice(("true", "false"))),
        ]  # fmt: skip
        people.append(",".join(fields))
    guests = ["id,pages,lang,bot"]
    for number in range(1, 13):
        language, robot = maybe(rng.choice(("fr", "en"))), maybe(rng.choice(("true", "false")))
        guests.append(f"c-{number},{maybe(rng.randint(0, 9))},{language},{robot}")
    firms = ["code,part,size,sector"]
    for number in range(1, 9):
        firms.append(f"F{number},{number % 3},{maybe(rng.choice((3, 7, 40)))},{maybe(rng.choice(('bank', 'shop')))}")
    tables = {"people": people, "guests": guests, "firms": firms}
    return {f"data/{name}.csv": "\n".join(rows) + "\n" for name, rows in tables.items()} | {"out/README": "Results\n"}


def _dimensions(names: Sequence[str], of: dict[str, str]) -> dict[str, Any]:
    known: dict[str, Any] = {
        "person": {
            "label": "People", "key": ["id"], "source": {"format": "csv", "path": "data/people.csv"},
            "history": {"name": "made", "retention": "30d"},
            "fields": {
                "id": {"type": "integer"}, "email": {}, "age": {"type": "integer"}, "tier": {},
                "score": {"type": "decimal"}, "country": {"type": "enumeration", "values": ["BE", "FR", "NO", "US"]},
                "born": {"type": "date"}, "tags": {"type": "list"}, "member": {"type": "boolean"},
            },
        },
        "guest": {
            "key": ["id"], "visitors": True, "source": {"format": "csv", "path": "data/guests.csv"},
            "fields": {"id": {}, "pages": {"type": "integer"}, "lang": {}, "bot": {"type": "boolean"}},
        },
        "firm": {
            "key": ["code", "part"], "source": {"format": "csv", "path": "data/firms.csv"},
            "fields": {"code": {}, "part": {"type": "integer"}, "size": {"type": "integer"}, "sector": {}},
        },
    }  # fmt: skip
    used = {of[name] for name in names}
    return {name: body for name, body in known.items() if name in used}


def _operators(rng: Random) -> dict[str, Any]:
    return {
        "ada": {"profile": "administrator", "email": "ada@example.com"},
        "omar": {"profile": "offer-manager", **maybe(rng, "label", "Omar")},
        "olga": {"profile": "offer-manager", **maybe(rng, "enabled", False, 0.1)},
        "dora": {"profile": "delivery-manager"},
        "brand": {"profile": "delivery-manager"},
        "risk": {"profile": "delivery-manager"},
    }


def maybe(rng: Random, key: str, value: Any, chance: float = 0.3) -> dict[str, Any]:
    """``value`` at ``key``, or nothing."""
    return {key: value} if rng.random() < chance else {}


def _place(rng: Random, name: str, dimension: str, linked: bool) -> Place:
    anonymous = name == "guests"
    spaces: Sections = {}
    for space in (
        ("web", "mail", "call")[: rng.randint(1, 3)] if not anonymous else ("front", "side")[: rng.randint(1, 2)]
    ):
        spaces[space] = new_space(rng, space, dimension, linked and name == "shop")
    made = Place(name, dimension, {}, {"spaces": spaces})
    rules = {f"r{number}": new_rule(rng, dimension) for number in range(rng.randint(0, 3))}
    made.settings = settings(rng, made, rules)
    made.sections |= {
        "filters": {f"f{number}": new_filter(rng, dimension, number) for number in range(rng.randint(0, 3))},
        "rules": rules,
        "typologies": {"calm": {"rules": sorted(rules)}},
        "categories": {path: new_category(rng, dimension) for path in PATHS[: rng.randint(2, len(PATHS))]},
        "templates": {},
        "offers": {},
    }
    for number in range(rng.randint(0, 3)):
        made.sections["templates"][f"t{number}"] = new_template(rng, made)
    for number in range(rng.randint(2, 7)):
        made.sections["offers"][f"o{number}"] = new_offer(rng, made)
    return made


def settings(rng: Random, place: Place, rules: dict[str, Any]) -> dict[str, Any]:
    """What an environment says of itself."""
    promotion = {
        **maybe(rng, "promoters", ["ada", "omar"], 0.2),
        **maybe(rng, "tests", True, 0.2),
        **maybe(rng, "separation_of_duties", True, 0.15),
        **maybe(rng, "retention", rng.choice(("0d", "5d", "30d")), 0.6),
    }
    return {
        "dimension": place.dimension,
        "typology": "calm",
        **maybe(rng, "label", rng.choice(TEXTS[:5])),
        **maybe(rng, "time_zone", rng.choice(ZONES), 0.6),
        **({"anonymous": True} if place.name == "guests" else {}),
        **maybe(rng, "when", condition(rng, place.dimension), 0.25),
        "call_data": {"page": {"type": "string", "sample": "/a"}, **maybe(rng, "basket", {"type": "decimal"})},
        **({"promotion": promotion} if promotion else {}),
        **maybe(rng, "impact", {"max_lost": rng.choice(("0%", "10%", "60%"))}, 0.2),
    }


def condition(rng: Random, dimension: str) -> str:
    """A condition on the contact, mostly one of a list, sometimes two of it."""
    one, other = rng.choice(CONDITIONS[dimension]), rng.choice(CONDITIONS[dimension])
    return one if rng.random() < 0.8 else f"({one}) {rng.choice(('and', 'or'))} ({other})"


def _period(rng: Random) -> dict[str, Any]:
    return {
        **maybe(rng, "from", rng.choice(("2026-01-01", "2026-06-02", "2026-06-05")), 0.15),
        **maybe(rng, "until", rng.choice(("2026-06-06", "2026-08-31", "2027-01-31")), 0.15),
    }


def new_space(rng: Random, name: str, dimension: str, linked: bool) -> dict[str, Any]:
    """A space; those of the web are answered by the anonymous environment where there is one."""
    channels = {"web": "inbound-web", "front": "inbound-web", "side": "inbound-web", "mail": "email"}
    keys = {"person": ["email"], "guest": ["id"], "firm": ["code", "part"]}[dimension]
    fallback = linked and name == "web" and rng.random() < 0.7
    identification = {
        **maybe(rng, "keys", rng.choice((keys, keys, KEYS[dimension])), 0.5 if dimension == "guest" else 1.0),
        **maybe(rng, "implicit", True, 0.3 if dimension == "guest" else 0.0),
        **({"fallback": "guests/front", **maybe(rng, "anonymous_categories", ["a"])} if fallback else {}),
    }
    return {
        "channel": channels.get(name, "inbound-call-center"),
        "unitary": name != "mail" or rng.random() < 0.8,
        "fields": [
            {"name": "title", "required": True}, {"name": "text"}, {"name": "html"},
            *([{"name": "go_url", "label": "Link"}] if rng.random() < 0.4 else []),
        ],
        **maybe(rng, "label", rng.choice(TEXTS[:4])),
        **maybe(rng, "render", rng.choice((
            {"html": "<h3>{{ title }}</h3>{{ html }}"}, {"text": "{{ title }}: {{ text }}"},
            {"html": "<p>{{ title }} {{ proposition.rank }}</p>", "xml": "<v><t>{{ title }}</t></v>"},
            {"html": "{% if text %}<i>{{ text }}</i>{% else %}<b>{{ title }}</b>{% endif %}"},
        )), 0.6),
        **({"identification": identification} if identification else {}),
        **maybe(rng, "defaults", rng.choice((
            {"categories": ["a"]}, {"themes": ["x"]}, {"categories": ["a"], "themes": ["x"]},
        )), 0.25),
        **maybe(rng, "storage", rng.choice((
            {"enabled": False}, {"proposed": "generated"},
            {"accepted": "interested", "proposed_data": {"page": "interaction.page"}},
        ))),
    }  # fmt: skip


def new_filter(rng: Random, dimension: str, number: int) -> dict[str, Any]:
    """A predefined condition; the second takes a parameter."""
    if number == 1:
        field_ = {"person": "age", "guest": "pages", "firm": "size"}[dimension]
        parameters = {"least": {"type": "integer", "default": "18"}}
        return {"when": f"{dimension}.{field_} >= parameter.least", "parameters": parameters}
    own = {"person": "offer.code <> person.tier or person.age > 50"}.get(dimension, "offer.code <> 'gold'")
    return {"when": rng.choice((own, condition(rng, dimension))), **maybe(rng, "label", rng.choice(TEXTS[:4]))}


def new_rule(rng: Random, dimension: str) -> dict[str, Any]:
    """A presentation rule."""
    about = {
        **maybe(rng, "categories", ["a"]),
        **maybe(
            rng, "when", rng.choice(("offer.code = 'gold'", "category.path <> 'f'", "current_date > date '2026-06-03'"))
        ),
    }
    counted = {
        "of": rng.choice(("all", "offer", "category", "applies-to")),
        "status": rng.choice(("any", "accepted", "rejected", "accepted-or-rejected")),
        **maybe(rng, "same_channel", True),
        **maybe(rng, "when", rng.choice(("proposition.weight > 1", "proposition.status <> 'rejected'"))),
    }
    return {
        **({"applies_to": about} if about else {}),
        **maybe(rng, "channel", rng.choice(("inbound-web", "email"))),
        **maybe(rng, "contacts", condition(rng, dimension)),
        "counted": counted,
        "period": {"before": rng.choice(("1d", "2d 6h", "30d")), **maybe(rng, "after", "6h")},
        "max": rng.randint(1, 3),
    }


def new_category(rng: Random, dimension: str) -> dict[str, Any]:
    """A category; all below it inherits from it."""
    eligible = {**_period(rng), **maybe(rng, "when", condition(rng, dimension), 0.2)}
    return {
        **maybe(rng, "label", rng.choice(TEXTS[:4])),
        **maybe(rng, "enabled", False, 0.05),
        **({"eligible": eligible} if eligible else {}),
        **maybe(rng, "themes", [rng.choice(THEMES[:2])], 0.4),
        **maybe(rng, "multiplier", {"factor": rng.choice((0, 0.5, 2)), **_period(rng)}),
        **maybe(rng, "always_include", True, 0.12),
    }


def _weight(rng: Random, place: Place) -> dict[str, Any]:
    value = (
        {"formula": rng.choice(FORMULAS[place.dimension])}
        if rng.random() < 0.25
        else {"weight": rng.choice((0, 1, 2, 2.5, 10))}
    )
    return {
        **value,
        **_period(rng),
        **maybe(rng, "label", rng.choice(TEXTS[:3])),
        **maybe(rng, "when", condition(rng, place.dimension)),
        **maybe(rng, "spaces", [rng.choice(sorted(place.sections["spaces"]))], 0.2),
    }


def _common(rng: Random, place: Place) -> dict[str, Any]:
    """What templates and offers have alike."""
    filters: list[Any] = sorted(place.sections["filters"])
    chosen: list[Any] = rng.sample(filters, rng.randint(0, min(2, len(filters))))
    chosen = [{"filter": one, "with": {"least": "30"}} if one == "f1" and rng.random() < 0.5 else one for one in chosen]
    eligible = {
        **_period(rng),
        **({"filters": chosen} if chosen else {}),
        **maybe(rng, "when", condition(rng, place.dimension), 0.4),
    }
    spaces = sorted(place.sections["spaces"])
    variable = f"{{{{ {place.dimension}.{AXES[place.dimension][0]} }}}}"
    reviewers = {**maybe(rng, "content", ["brand"], 0.5), **maybe(rng, "eligibility", ["risk", "omar"], 0.5)}
    return {
        **({"eligible": eligible} if eligible else {}),
        **maybe(rng, "weights", [_weight(rng, place) for _ in range(rng.randint(1, 3))], 0.6),
        **maybe(rng, "themes", [rng.choice(THEMES)], 0.3),
        **maybe(rng, "spaces", rng.sample(spaces, rng.randint(1, len(spaces))), 0.3),
        **maybe(
            rng, "representations", {rng.choice(spaces): {"title": rng.choice((*TEXTS[:5], f"For {variable}"))}}, 0.3
        ),
        **maybe(rng, "reviewers", reviewers, 0.3),
        **maybe(rng, "label", rng.choice(TEXTS[:5]), 0.5),
    }


def new_template(rng: Random, place: Place) -> dict[str, Any]:
    """A template, perhaps upon one that is there."""
    others = sorted(place.sections["templates"])
    return {
        **_common(rng, place),
        **(maybe(rng, "template", rng.choice(others), 0.6) if others else {}),
        **maybe(rng, "content", {"text": rng.choice(TEXTS)}, 0.5),
    }


def new_offer(rng: Random, place: Place) -> dict[str, Any]:
    """An offer that every space can show."""
    templates = sorted(place.sections["templates"])
    content = {
        "title": rng.choice((*TEXTS[:8], "Hello {{ offer.code }}")),
        **maybe(rng, "text", rng.choice(TEXTS)),
        **maybe(rng, "html", rng.choice(("<p>one</p>", "<em>{{ offer.name }}</em>"))),
    }
    return {
        "category": rng.choice(sorted(place.sections["categories"])),
        **_common(rng, place),
        "content": content,
        **(maybe(rng, "template", rng.choice(templates), 0.5) if templates else {}),
        **maybe(rng, "enabled", False, 0.08),
        **maybe(rng, "code", rng.choice(("gold", "silver", "G-1")), 0.4),
        **maybe(rng, "protected", True, 0.05),
    }


def campaign(rng: Random, place: Place, offers: Sequence[str]) -> dict[str, Any]:
    """A campaign about what may be live, with each way to say who gets what."""
    spaces = sorted(place.sections["spaces"])
    chosen = rng.sample(sorted(offers), min(2, len(offers)))
    ways: dict[str, dict[str, Any]] = {
        "engine": {"engine": {"count": rng.randint(1, 3), **maybe(rng, "categories", ["a"], 0.4)}},
        "fixed": {"offers": chosen},
        "outline": {"outline": "main", **maybe(rng, "count", 1, 0.5)},
        "cells": {"cells": [{"when": condition(rng, place.dimension), "offer": chosen[0]}]},
    }
    deliveries = {}
    for name, way in ways.items():
        deliveries[name] = {
            "space": rng.choice(spaces),
            **way,
            **maybe(rng, "contact_date", "2026-06-09", 0.6),
            **maybe(
                rng,
                "target",
                rng.choice([text for text in CONDITIONS[place.dimension] if "interaction" not in text]),
                0.4,
            ),
            **maybe(rng, "exclude_recipients_with_too_few_offers", True),
            **maybe(rng, "show_nothing_where_missing", True),
        }
    return {"outlines": {"main": {"offers": chosen}}, "deliveries": deliveries}


def _cases(rng: Random, made: Project) -> dict[str, Any]:
    cases = {}
    for place in made.places:
        if place.dimension == "person" and rng.random() < 0.7:
            space = rng.choice(sorted(place.sections["spaces"]))
            cases[f"{place.name}: what {space} shows"] = {
                "space": f"{place.name}/{space}", "contact": {"id": 1, "age": 41, "tier": "gold", "score": 0.7},
                "now": "2026-06-04T10:00", "n": 2,
                "expect": rng.choice((
                    {"reports": []}, {"reports": []}, {"any_order": []},
                    {"out": {sorted(place.sections["offers"])[0]: "filter"}},
                )),
            }  # fmt: skip
    if rng.random() < 0.4:
        return {}
    return cases


def mend(made: Project) -> None:
    """Take out what cannot be together: what edits leave behind of what they change."""
    for place in made.places:
        spaces, templates = place.sections["spaces"], place.sections["templates"]
        themes = {
            theme
            for section in ("categories", "templates", "offers")
            for body in place.sections[section].values()
            for theme in body.get("themes", ())
        }
        for space in spaces.values():
            if not themes.issuperset(space.get("defaults", {}).get("themes", ())):
                del space["defaults"]["themes"]
        for body in (*templates.values(), *place.sections["offers"].values()):
            published = _published(body, templates) or sorted(spaces)
            shown = body.get("representations", {})
            for space in [space for space in shown if space not in published]:
                del shown[space]
            for weight in body.get("weights", ()):
                if not set(weight.get("spaces", ())) <= set(published):
                    del weight["spaces"]


def _published(body: dict[str, Any], templates: dict[str, Any]) -> list[str]:
    while not body.get("spaces") and "template" in body:
        body = templates[body["template"]]
    published: list[str] = body.get("spaces", [])
    return published
