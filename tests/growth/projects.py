"""Projects of any size, along one axis at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PER_FILE = 25


@dataclass(frozen=True)
class Size:
    """How many there are of each kind in each environment; ``wording`` is in the text of every offer."""

    offers: int = 8
    categories: int = 3
    filters: int = 3
    rules: int = 3
    spaces: int = 3
    templates: int = 2
    campaigns: int = 2
    environments: int = 1
    contacts: int = 20
    cases: int = 3
    policies: int = 2
    reviewed: bool = False


def write(root: Path, size: Size, wording: str = "first", without: int = 0) -> None:
    """Write the whole project; the last ``without`` offers of each environment are left out."""
    names = [f"env-{number}" for number in range(size.environments)]
    specs = root / "specs"
    specs.mkdir(parents=True, exist_ok=True)
    (root / "environments").mkdir(exist_ok=True)
    (root / "data").mkdir(exist_ok=True)
    (specs / "shared.yaml").write_text(_SHARED, encoding="utf-8")
    rows = "".join(
        f"{number},c{number}@example.com,{18 + number % 60},{'FR' if number % 2 else 'US'}\n"
        for number in range(size.contacts)
    )
    (root / "data" / "people.csv").write_text("id,email,age,country\n" + rows, encoding="utf-8")
    (root / "cases").mkdir(exist_ok=True)
    (root / "cases" / "web.yaml").write_text("\n".join(_cases(size)) + "\n", encoding="utf-8")
    duties = ", separation_of_duties: true" if size.reviewed else ""
    promotion = f"  promotion: {{retention: 0d{duties}}}\n"
    for name in names:
        environment = f"version: 1\nenvironment:\n  label: {name}\n  dimension: person\n  typology: calm\n{promotion}"
        (root / "environments" / f"{name}.yaml").write_text(environment, encoding="utf-8")
        folder = specs / name
        (folder / "offers").mkdir(parents=True, exist_ok=True)
        (folder / "catalog.yaml").write_text("\n".join(_catalog(size)) + "\n", encoding="utf-8")
        (folder / "policies.yaml").write_text("\n".join(_policies(size)) + "\n", encoding="utf-8")
        (folder / "campaigns.yaml").write_text("\n".join(_campaigns(size)) + "\n", encoding="utf-8")
        for old in (folder / "offers").glob("*.yaml"):
            old.unlink()
        for first in range(0, size.offers - without, PER_FILE):
            numbers = range(first, min(first + PER_FILE, size.offers - without))
            lines = [line for number in numbers for line in _offer(size, number, wording)]
            text = "\n".join(["version: 1", "offers:", *lines]) + "\n"
            (folder / "offers" / f"{first // PER_FILE}.yaml").write_text(text, encoding="utf-8")


_SHARED = """version: 1
dimensions:
  person:
    key: [id]
    fields: {id: {type: integer}, email: {}, age: {type: integer}, country: {}}
    source: {format: csv, path: data/people.csv}
operators:
  ada: {profile: administrator}
  olga: {profile: offer-manager}
"""


def switch_off(root: Path) -> None:
    """Switch the first category off, and let the first environment have a filter: in every environment that has them."""
    changes = {
        "category-0: {label": "category-0: {enabled: false, label",
        "  label: env-0\n": "  label: env-0\n  when: person.age > 18\n",
    }
    for path in [*root.glob("specs/**/*.yaml"), *root.glob("environments/*.yaml")]:
        text = path.read_text(encoding="utf-8")
        for old, new in changes.items():
            text = text.replace(old, new)
        path.write_text(text, encoding="utf-8")


def make_heavier(root: Path) -> None:
    """Let every template, and so every offer, weigh more than any policy allows."""
    for path in root.glob("specs/*/catalog.yaml"):
        text = path.read_text(encoding="utf-8").replace("weights: [{weight: ", "weights: [{weight: 10000")
        path.write_text(text, encoding="utf-8")


def _catalog(size: Size) -> Iterator[str]:
    yield from (
        "version: 1",
        "typologies:",
        "  calm: {rules: [" + ", ".join(f"rule-{number}" for number in range(size.rules)) + "]}",
    )
    yield "rules:"
    for number in range(size.rules):
        yield f"  rule-{number}: {{applies_to: {{categories: [category-{number % size.categories}]}}, counted: {{of: offer}}, max: {number + 1}, period: {{before: 30d}}}}"
    yield "filters:"
    for number in range(size.filters):
        yield f"  filter-{number}: {{label: Filter {number}, when: person.age > {number % 90}}}"
    yield "categories:"
    for number in range(size.categories):
        yield f"  category-{number}: {{label: Category {number}, themes: [theme-{number % 4}]}}"
    yield "templates:"
    for number in range(size.templates):
        yield f"  template-{number}: {{label: Template {number}, weights: [{{weight: {number + 1}}}]}}"
    yield "spaces:"
    for number in range(size.spaces):
        channel = "email" if number % 2 else "inbound-web"
        more = "" if number % 2 else ", unitary: true, identification: {keys: [email]}"
        yield (
            f"  space-{number}: {{channel: {channel}, fields: [{{name: title, required: true}}, {{name: html}}],"
            f" render: {{html: '<h1>{{{{ title }}}}</h1>'}}{more}}}"
        )


def _policies(size: Size) -> Iterator[str]:
    yield from ("version: 1", "policies:")
    for number in range(size.policies):
        condition = f"offer.weight < {100 + number} and (step.action <> 'delete' or offer.category <> 'legal')"
        yield f"  policy-{number}: {{require: {condition}, message: Not too heavy.}}"


def _campaigns(size: Size) -> Iterator[str]:
    yield from ("version: 1", "campaigns:" if size.campaigns else "campaigns: {}")
    for number in range(size.campaigns):
        yield f"  campaign-{number}:"
        yield f"    label: Campaign {number}"
        yield f"    outlines: {{all: {{offers: [offer-{number % 2}, offer-{(number + 1) % 2}]}}}}"
        yield f"    deliveries: {{mailing: {{space: space-1, contact_date: 2026-12-01, offers: [offer-{number % 2}]}}}}"


def _cases(size: Size) -> Iterator[str]:
    yield from ("version: 1", "cases:")
    for number in range(size.cases):
        yield f"  case {number}: {{space: env-0/space-0, contact: {number % size.contacts}, now: '2026-12-01T10:00', expect: {{out: {{}}}}}}"


def _offer(size: Size, number: int, wording: str) -> Iterator[str]:
    yield f"  offer-{number}:"
    yield f"    label: Offer {number}"
    yield f"    category: category-{number % size.categories}"
    yield f"    template: template-{number % size.templates}"
    yield f"    eligible: {{when: person.age >= {18 + number % 30}, filters: [filter-{number % size.filters}]}}"
    yield f"    content: {{title: 'Offer {number}, {wording}', html: '<p>For {{{{ person.country }}}}, {number}</p>'}}"
