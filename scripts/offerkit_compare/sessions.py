"""Sessions with a generated project: what is edited, and which commands are run, one after another."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from offerkit_compare import projects
from offerkit_compare.projects import AXES, PATHS, TEXTS, THEMES, Place, Project

START = datetime(2026, 6, 1, 8, 0, 0, 123, tzinfo=UTC)
FORMATS = ("text", "json", "markdown", "html")


class Session:
    """The steps of one session, made from its seed alone."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.rng = Random(f"offerkit-{seed}")
        self.now = START
        self.steps: list[dict[str, Any]] = []
        self.written: projects.Files = {}
        self.project = projects.project(self.rng)
        self.versioned = self.rng.random() < 0.25

    def made(self) -> list[dict[str, Any]]:
        """All steps."""
        self.steps.append({"write": projects.contacts(self.rng)})
        self._write()
        if self.versioned:
            self.steps.append({"git": ["init", "-q", "-b", "main"]})
        for number in range(self.rng.choice((2, 2, 2, 3))):
            if number:
                for _ in range(self.rng.choice((1, 1, 2, 4))):
                    edit(self.rng, self.project)
                self._write()
            if self.versioned:
                self.steps += [
                    {"git": ["add", "-A"]},
                    {"git": ["commit", "-q", "--allow-empty", "-m", f"round {number}"]},
                ]
            self._design(number)
            self._approve(first=not number)
            self._live(number)
            self._decide()
            if number:
                self._look_back(number)
            self._campaign()
            self.now += timedelta(days=self.rng.choice((1, 2, 9)))
        self._mistakes()
        self._last()
        return self.steps

    # what is run

    def run(self, *words: str, as_: str = "ada") -> None:
        """Run a command, some minutes after the one before."""
        self.now += timedelta(minutes=7)
        self.steps.append({"run": ["--as", as_, *words], "now": self.now.isoformat()})

    def _write(self) -> None:
        projects.mend(self.project)
        files = self.project.files()
        change: dict[str, str | None] = {path: text for path, text in files.items() if self.written.get(path) != text}
        change |= {path: None for path in self.written if path not in files}
        self.written = files
        self.steps.append({"write": change})

    def _some(self, chance: float) -> bool:
        return self.rng.random() < chance

    def _place(self) -> Place:
        return self.rng.choice(self.project.places)

    def _space(self) -> str:
        place = self._place()
        return f"{place.name}/{self.rng.choice(sorted(place.sections['spaces']))}"

    def _address(self) -> str:
        place = self._place()
        section = self.rng.choice([name for name in place.sections if place.sections[name] and name != "campaigns"])
        return f"{place.name}/{_kind(section)}.{self.rng.choice(sorted(place.sections[section]))}"

    def _offer(self) -> str:
        place = self._place()
        names = sorted(place.sections["offers"])
        return f"{place.name}/offer.{self.rng.choice(names) if names else 'none'}"

    def _format(self) -> str:
        return self.rng.choice(FORMATS)

    def _design(self, number: int) -> None:
        self.run("validate", "--format", self.rng.choice(("text", "json", "github")))
        self.run("plan", "--format", "json", "--out", f"plans/design-{number}.json")
        if self._some(0.6):
            self.run("plan", "--format", self._format())
        if self._some(0.3):
            self.run("plan", self._address(), "--full", "--format", self._format())
        if self._some(0.25):
            self.run("plan", "--exclude", self._address(), "--detailed-exitcode", "--format", self._format())
        if self._some(0.35):
            place = self._place()
            axis = f"{place.dimension}.{self.rng.choice(AXES[place.dimension])}"
            self.run("plan", "--impact", "--by", axis, "--examples", "--format", self._format())
        if self._some(0.2):
            self.run("graph", "--format", self.rng.choice(("text", "mermaid", "dot")))
            self.run("graph", "--focus", self._address())
        if number and self._some(0.3):
            self.run("apply", self._address(), "--yes", "-m", "a part of it")
        if number and self._some(0.3):
            self.run("apply", f"plans/design-{number}.json", "--yes")
        else:
            self.run("apply", "--yes", as_=self.rng.choice(("ada", "ada", "ada", "omar")))
        if number:
            self.run("apply", "--yes", "-m", "the rest")

    def _approve(self, *, first: bool) -> None:
        self.run("approvals", "--all", "--format", "json")
        if first or self._some(0.7):
            for who in ("omar", "brand", "risk"):
                self.run("approve", "*/offer.*", as_=who)
        for _ in range(self.rng.randint(0, 2)):
            verb = self.rng.choice(("approve", "approve", "reject"))
            space = ["--content", "--space", self._space().partition("/")[2]]
            part = self.rng.choice(([], ["--content"], ["--eligibility"], space))
            text = self.rng.choice((["-m", "as agreed"], ["--format", "json"]))
            self.run(verb, self._offer(), *part, *text, as_=self.rng.choice(projects.PEOPLE))
        if self._some(0.3):
            self.run("reject", "--category", self.rng.choice(PATHS), as_=self.rng.choice(("omar", "risk")))
        self.run("approvals", *self.rng.choice(([], ["--mine"], ["--all"])), "--format", self.rng.choice(FORMATS[:3]))

    def _live(self, number: int) -> None:
        plan = f"plans/live-{number}.json"
        self.run("promote", "--plan-only", "--format", "json", "--out", plan)
        if self._some(0.5):
            self.run("promote", "--plan-only", "--format", self.rng.choice(("text", "markdown", "html")), "--full")
        if self._some(0.3):
            self.run("promote", "--plan-only", self._address(), "--format", self._format())
        if self._some(0.2):
            self.run("promote", "--plan-only", "--exclude", self._address(), "--format", "json")
        if self._some(0.3):
            self.run("promote", "--plan-only", "--impact", "--format", self._format())
        if self._some(0.2):
            self.run("approve", "--plan", plan, as_="omar")
        if number and self._some(0.5):
            self.run("promote", self._address(), "--yes", as_=self.rng.choice(("ada", "omar")))
        if self._some(0.3):
            self.run("promote", self._place().name, "--yes")
        if self._some(0.3):
            self.run("apply", plan, "--yes")
        self.run("promote", "--yes", *(["--override-impact", "asked for"] if self._some(0.7) else []))
        self.run("diff", "design", "live", "--format", self._format())

    def _decide(self) -> None:
        self.run("propose", *self._call(), "--no-store", "--explain", "--format", "json")
        self.run("propose", *self._call(), "--explain")
        self.run("propose", *self._call(), "--format", self.rng.choice(("text", "json", "xml", "html")))
        self.run("propose", *self._call(), "--format", "json")
        if self._some(0.5):
            status = self.rng.choice(("0", "3", "accepted", "rejected", "interested"))
            self.run("update", "@proposition", status)
        self.run("propositions", "--format", self.rng.choice(("text", "json", "markdown", "csv")))
        place = self._place()
        axis = f"{place.dimension}.{self.rng.choice(AXES[place.dimension])}"
        asked = [
            *(["--by", axis] if self._some(0.5) else []),
            *(["-c", self.rng.choice(PATHS)] if self._some(0.3) else []),
            *(["-t", self.rng.choice(THEMES)] if self._some(0.2) else []),
            *(["--at", "2026-06-05T12:00"] if self._some(0.3) else []),
            *(["-d", "page=/a"] if self._some(0.3) else []),
        ]
        self.run("simulate", place.name, "--format", "json", "-n", self.rng.choice(("1", "3")), *asked)
        if self._some(0.3):
            stage = self.rng.choice(("specs", "design", "live"))
            self.run("simulate", place.name, "--stage", stage, "--out", "out/who.csv", *asked)
        if self._some(0.2):
            self.run("simulate", place.name, "--html", "out/page.html")
        if self._some(0.3):
            engine = self.rng.choice(("spark", "snowflake", "bigquery", "postgres", "duckdb"))
            self.run("simulate", place.name, "--emit-sql", engine, *asked[2 * (asked[:1] == ["--by"]) :])
        if self._some(0.5):
            stage = self.rng.choice(("specs", "design", "live"))
            self.run("test", "--stage", stage, "-v", "--format", self.rng.choice(("text", "json", "junit")))
        offer = self._offer()
        self.run("preview", offer, "--format", self.rng.choice(("text", "json", "html")))
        if self._some(0.3):
            self.run("preview", offer, "--stage", self.rng.choice(("design", "live")), "-d", "page=/b")
        if self._some(0.3):
            expression = projects.condition(self.rng, place.dimension)
            self.run("eval", expression, "-e", place.name, "--format", self.rng.choice(("text", "json")))

    def _call(self) -> list[str]:
        space = self._space()
        unitary = [f"{place.name}/{name}" for place in self.project.places
                   for name, body in sorted(place.sections["spaces"].items()) if body["unitary"]]  # fmt: skip
        if unitary and self._some(0.9):
            space = self.rng.choice(unitary)
        keys = {
            "shop": (f"p{self.rng.randint(1, 30)}@example.com", str(self.rng.randint(1, 30))),
            "guests": (f"c-{self.rng.randint(1, 13)}",),
            "firms": (f"F{self.rng.randint(1, 8)}|{self.rng.randint(0, 2)}", str(self.rng.randint(1, 30))),
        }[space.partition("/")[0]]
        who = self.rng.choice((["-c", self.rng.choice(keys)], ["-c", self.rng.choice(keys)], [], ["--cookie", "c-3"]))
        return [
            "--space", space, *who, "-n", self.rng.choice(("1", "2", "5")),
            *(["--space", self._space()] if self._some(0.2) else []),
            *(["--category", self.rng.choice(PATHS)] if self._some(0.25) else []),
            *(["--theme", self.rng.choice(THEMES)] if self._some(0.25) else []),
            *(["-d", f"page={self.rng.choice(('/a', '/b'))}"] if self._some(0.5) else []),
            *(["--at", self.rng.choice(("2026-06-05", "2026-12-31T23:30"))] if self._some(0.2) else []),
            *(["--seed", "s"] if self._some(0.3) else []),
        ]  # fmt: skip

    def _look_back(self, number: int) -> None:
        self.run("history", "--format", self._format())
        place = self._place()
        stage = f"{place.name}@{self.rng.choice(('design', 'live'))}"
        points = [
            f"{stage}:{self.rng.randint(1, 4 * number + 3)}", stage, f"{stage}:2026-06-0{self.rng.randint(1, 9)}",
            "specs", "design", "live", f"plans/design-{number}.json", f"plans/live-{number}.json",
        ]  # fmt: skip
        if self.versioned:
            points += ["git:HEAD~1", "git:HEAD"]
        for _ in range(2):
            one, other = self.rng.sample(points, 2)
            self.run("diff", one, other, "--format", self._format(), *(["--full"] if self._some(0.5) else []))
        if len(self.project.places) > 1 and self._some(0.3):
            self.run("diff", "shop@design", f"{self.project.places[1].name}@design", "--format", self._format())
        self.run("show", f"plans/live-{number}.json", "--format", self._format())
        if self._some(0.3):
            self.run("history", stage, "--format", self._format())
            self.run("history", stage, self._address(), "--format", "json")
        if self._some(0.35):
            target = str(self.rng.randint(2, 4 * number + 3))
            self.run("rollback", stage, "--to", target, "--plan-only", "--format", self._format())
            self.run("rollback", stage, "--to", target, "--yes", "-m", "as before")
            self.run(
                "promote", "--plan-only", "--format", self._format(), *self.rng.choice(([], ["--include-rolled-back"]))
            )
            self.run(
                "promote", "--yes", "--override-impact", "again", *self.rng.choice(([], ["--include-rolled-back"]))
            )
        if self._some(0.35):
            self.run("purge", "--plan-only", "--format", self._format())
            self.run("purge", "--yes")

    def _campaign(self) -> None:
        place = self.project.places[0]
        if "campaigns" not in place.sections and self._some(0.6) and place.sections["offers"]:
            place.sections["campaigns"] = {"c": projects.campaign(self.rng, place, sorted(place.sections["offers"]))}
            self._write()
            self.run("plan", "--format", self._format(), as_="dora")
            self.run("apply", "--yes", as_="dora")
        if "campaigns" in place.sections:
            name = self.rng.choice(("engine", "fixed", "outline", "cells"))
            self.run("deliver", f"c/{name}", "--dry-run", "--format", "json", as_="dora")
            if self._some(0.5):
                self.run(
                    "deliver",
                    f"c/{name}",
                    "--at",
                    "2026-06-20",
                    *self.rng.choice(([], ["--field", "person.email"])),
                    as_="dora",
                )
                self.run("sent", f"c/{name}", as_="dora")

    def _mistakes(self) -> None:
        """Specs that are refused, for as long as two commands take."""
        place = self._place()
        unknown = {"category": "nowhere", "content": {"titel": "x"}, "eligible": {"filters": ["none"]}}
        untyped = {"category": "a", "eligible": {"when": f"{place.dimension}.agee > 1"}, "weights": [{"weight": -1}]}
        nowhere = {"categories": ["zz"], "themes": ["qq"]}
        wrong = self.rng.choice((
            {"offers": {"bad": unknown}},
            {"offers": {"bad": untyped}},
            {"spaces": {"bad": {"channel": "email", "fields": [{"name": "title"}], "defaults": nowhere}}},
            {"templates": {"bad": {"template": "worse"}, "worse": {"template": "bad"}}},
            {"categories": {"q/r": {"label": "no parent"}}, "typologies": {"other": {"rules": ["none"]}}},
            {"moved": {"offer.o0": "offer.nobody"}},
            {"filters": {"bad": {"when": "parameter.x = 1 and"}}, "offers": {"o0": {"category": "a"}}},
        ))  # fmt: skip
        path = f"specs/{place.name}/wrong.json.yaml"
        self.steps.append({"write": {path: json.dumps({"version": 1, **wrong})}})
        self.run("validate", "--format", self.rng.choice(("text", "json")))
        self.run(*self.rng.choice((["plan"], ["apply", "--yes"], ["graph"], ["simulate", "shop", "--stage", "specs"])))
        self.steps.append({"write": {path: None}})

    def _last(self) -> None:
        self.now += timedelta(days=100)
        for word in self.rng.choice((["design"], ["live"], [f"{self._place().name}@live"], ["design:2026-06-02"])):
            self.run("export", word, "--to", "out/exported")
            self.run("-C", "out/exported", "validate", "--format", "json")
        self.run("import", "--check", "out/exported")
        self.run("purge", "--plan-only", "--format", "json")
        self.run("purge", "--yes")
        self.run("fmt", "--check")
        self.run("fmt")
        self.run("plan", "--format", "json")
        self.run("store", "status")
        self.run("store", "purge", *self.rng.choice(([], ["--yes"])))
        self.run("audit", "export")
        self.run("audit", "verify")


def _kind(section: str) -> str:
    return {"categories": "category", "typologies": "typology"}.get(section, section.removesuffix("s"))


# what is edited


def edit(rng: Random, project: Project) -> None:
    """Change something, as one of those who work with it would."""
    place = rng.choice(project.places)
    place.moved = {}
    rng.choice(EDITS)(rng, project, place)


def _shared(rng: Random, project: Project, place: Place) -> None:
    """Only what all environments share."""
    dimension = project.shared["dimensions"][place.dimension]
    operators = project.shared["operators"]
    if rng.random() < 0.6:
        dimension["label"] = rng.choice(("Everybody", "Somebody", "All of them"))
    elif rng.random() < 0.5:
        dimension["fields"][project.fresh("new")] = {"type": "integer"}
        dimension["source"] = {"format": "csv", "path": "data/gone.csv"}
    else:
        operators[project.fresh("new")] = {"profile": "delivery-manager"}


def _offers(rng: Random, project: Project, place: Place) -> None:
    offers = place.sections["offers"]
    if offers:
        offers[rng.choice(sorted(offers))] = projects.new_offer(rng, place)


def _texts(rng: Random, project: Project, place: Place) -> None:
    for offer in place.sections["offers"].values():
        if rng.random() < 0.5:
            offer["content"]["title"] = rng.choice(TEXTS[:8])
        if rng.random() < 0.2:
            offer["enabled"] = rng.random() < 0.5


def _add(rng: Random, project: Project, place: Place) -> None:
    place.sections["offers"][project.fresh("n")] = projects.new_offer(rng, place)


def _remove(rng: Random, project: Project, place: Place) -> None:
    offers = place.sections["offers"]
    free = [name for name, body in sorted(offers.items()) if "protected" not in body]
    if len(free) > 1 and "campaigns" not in place.sections:
        del offers[rng.choice(free)]


def _rename(rng: Random, project: Project, place: Place) -> None:
    offers = place.sections["offers"]
    if offers and "campaigns" not in place.sections:
        old, new = rng.choice(sorted(offers)), project.fresh("m")
        offers[new] = offers.pop(old)
        if rng.random() < 0.3:
            offers[new] = projects.new_offer(rng, place)
        place.moved = {f"offer.{old}": f"offer.{new}"}


def _swap(rng: Random, project: Project, place: Place) -> None:
    offers = place.sections["offers"]
    if len(offers) > 1:
        one, other = rng.sample(sorted(offers), 2)
        offers[one], offers[other] = offers[other], offers[one]
        place.moved = {f"offer.{one}": f"offer.{other}", f"offer.{other}": f"offer.{one}"}


def _rename_category(rng: Random, project: Project, place: Place) -> None:
    """A category with all below it; who names it follows."""
    categories = place.sections["categories"]
    old, new = "a", project.fresh("cat")
    if old not in categories:
        return
    for path in sorted(categories):
        if path == old or path.startswith(f"{old}/"):
            target = new + path[len(old) :]
            categories[target] = categories.pop(path)
            place.moved[f"category.{path}"] = f"category.{target}"

    def renamed(path: str) -> str:
        return new + path[len(old) :] if path == old or path.startswith(f"{old}/") else path

    for offer in place.sections["offers"].values():
        offer["category"] = renamed(offer["category"])
    for space in place.sections["spaces"].values():
        if "categories" in space.get("defaults", {}):
            space["defaults"]["categories"] = [renamed(path) for path in space["defaults"]["categories"]]
    for rule in place.sections["rules"].values():
        if "categories" in rule.get("applies_to", {}):
            rule["applies_to"]["categories"] = [renamed(path) for path in rule["applies_to"]["categories"]]
    if place.name == "guests":
        for space in project.places[0].sections["spaces"].values():
            if "anonymous_categories" in space.get("identification", {}):
                space["identification"]["anonymous_categories"] = [new]


def _categories(rng: Random, project: Project, place: Place) -> None:
    categories = place.sections["categories"]
    categories[rng.choice(sorted(categories))] = projects.new_category(rng, place.dimension)


def _templates(rng: Random, project: Project, place: Place) -> None:
    """A template and, with luck, all offers that were made from it."""
    templates = place.sections["templates"]
    if templates:
        name = rng.choice(sorted(templates))
        above = templates[name].get("template")
        templates[name] = projects.new_template(rng, place)
        templates[name].pop("template", None)
        if above:
            templates[name]["template"] = above


def _filters(rng: Random, project: Project, place: Place) -> None:
    filters = place.sections["filters"]
    if filters:
        name = rng.choice(sorted(filters))
        filters[name] = projects.new_filter(rng, place.dimension, int(name[1:]))


def _spaces(rng: Random, project: Project, place: Place) -> None:
    spaces = place.sections["spaces"]
    name = rng.choice(sorted(spaces))
    linked = place.name == "shop" and any(other.name == "guests" for other in project.places)
    spaces[name] = projects.new_space(rng, name, place.dimension, linked)


def _remove_space(rng: Random, project: Project, place: Place) -> None:
    """A space goes, and with it what names it."""
    spaces = place.sections["spaces"]
    if len(spaces) < 2 or "campaigns" in place.sections:
        return
    gone = rng.choice(sorted(spaces))
    del spaces[gone]
    for body in (*place.sections["offers"].values(), *place.sections["templates"].values()):
        body.get("representations", {}).pop(gone, None)
        if gone in body.get("spaces", ()):
            body["spaces"] = [name for name in body["spaces"] if name != gone] or sorted(spaces)
        for weight in body.get("weights", ()):
            if weight.get("spaces") == [gone]:
                del weight["spaces"]
    for other in project.places[0].sections["spaces"].values():
        identification = other.get("identification", {})
        if identification.get("fallback") == f"{place.name}/{gone}":
            identification.pop("fallback")
            identification.pop("anonymous_categories", None)
            identification.setdefault("implicit", False)


def _rules(rng: Random, project: Project, place: Place) -> None:
    rules = place.sections["rules"]
    name = rng.choice([*sorted(rules), "r9"])
    rules[name] = projects.new_rule(rng, place.dimension)
    place.sections["typologies"]["calm"]["rules"] = sorted(rng.sample(sorted(rules), rng.randint(0, len(rules))))


def _settings(rng: Random, project: Project, place: Place) -> None:
    place.settings = projects.settings(rng, place, place.sections["rules"])


def _reviewers(rng: Random, project: Project, place: Place) -> None:
    for offer in place.sections["offers"].values():
        if rng.random() < 0.4:
            offer["reviewers"] = {rng.choice(("content", "eligibility")): [rng.choice(projects.PEOPLE)]}


def _layout(rng: Random, project: Project, place: Place) -> None:
    project.layout = rng.randint(0, 5)


EDITS: tuple[Callable[[Random, Project, Place], None], ...] = (
    _shared, _shared, _offers, _offers, _texts, _texts, _add, _remove, _rename, _rename, _swap, _rename_category,
    _categories, _categories, _templates, _templates, _filters, _spaces, _remove_space, _rules, _settings, _settings,
    _reviewers, _layout,
)  # fmt: skip


def steps_of(seed: int) -> Iterator[dict[str, Any]]:
    """The session of ``seed``."""
    yield from Session(seed).made()
