"""What a template reads is part of what is approved, under whatever name it reads it."""

from __future__ import annotations

import pytest
from attacking import Session, broken_if, variants

PLAIN = ["{{ offer.label }}", "{{ offer.label | upper }}", "{% set label = offer.label %}{{ label }}"]
HIDDEN = [
    "{% set offer = offer.label %}{{ offer }}",
    "{% set offer = offer.label | upper %}{{ offer }}",
    "{% set offer = offer %}{{ offer.label }}",
    "{% for offer in [offer.label] %}{{ offer }}{% endfor %}",
    "{% if recipient.age > 1000 %}{% set offer = 1 %}{% endif %}{{ offer.label }}",
    "{% for x in [1] %}{% set offer = 1 %}{% endfor %}{{ offer.label }}",
    "{% for offer in [1] %}{% endfor %}{{ offer.label }}",
    "{% for offer in [] %}{% else %}{{ offer.label }}{% endfor %}",
    "{% if offer.label %}{% set offer = offer.label %}{{ offer }}{% endif %}",
    "{% set a = offer %}{% set b = a %}{{ b.label }}",
    "{% for a in [1, offer] %}{% if loop.index == 2 %}{{ loop.previtem }}{{ a.label }}{% endif %}{% endfor %}",
    "{% for a in [1, 2] %}{{ offer.label if loop.first }}{% set offer = 1 %}{% endfor %}",
    "{% for a in [1] if offer.label %}{{ a }}{% endfor %}{% set offer = offer['label'] %}{{ offer }}",
    "{{ title | default(offer.label) }}",
    "{{ offer['label'][:99] }}",
    "{{ offer.label[0:] }}{{ [offer][:1][0].label }}",
]


@pytest.mark.parametrize("text", variants(HIDDEN + PLAIN, quick=1))
def test_label_changes_what_is_shown(team: Session, text: str) -> None:
    """The label alone changes, which no approval covers; customers read it, because an approved text shows it."""
    team.edit(offers={"saver": {"content": {"title": text}}})
    if team.run("omar", "apply --yes").code:
        return  # a text whose reading cannot be known may be refused as well
    team.do("olga", "approve offer.saver")
    team.do("omar", "promote --yes")
    assert "SAVER" in team.shown()["saver"]["title"].upper()
    team.edit(offers={"saver": {"label": "FREE MONEY"}})
    team.do("omar", "apply --yes")
    team.attempt("omar", "promote --yes")
    broken_if("FREE MONEY" in team.shown()["saver"]["title"], "customers read a text that nobody approved")


@pytest.mark.parametrize("text", variants([HIDDEN[0], *PLAIN], quick=0))
def test_label_changes_what_a_space_renders(team: Session, text: str) -> None:
    """The same by way of the space's rendering function."""
    team.edit(spaces={"app": {"render": {"html": f"<h1>{text}</h1>"}}})
    if team.run("omar", "apply --yes").code:
        return  # likewise
    team.do("olga", "approve offer.*")
    team.do("omar", "promote --yes")
    assert "SAVER" in team.page("app").upper()
    team.edit(offers={"saver": {"label": "FREE MONEY"}})
    team.do("omar", "apply --yes")
    team.attempt("omar", "promote --yes")
    broken_if("FREE MONEY" in team.page("app"), "customers read a text that nobody approved")


@pytest.mark.parametrize("text", variants([PLAIN[0], PLAIN[2]], quick=1))
def test_honest_change_of_a_label_that_is_shown(team: Session, text: str) -> None:
    """Approved with its new label, it is shown with it."""
    team.edit(offers={"saver": {"content": {"title": text}}})
    team.honestly("omar", "olga")
    team.edit(offers={"saver": {"label": "Saver plus"}})
    team.honestly("omar", "olga")
    assert team.shown()["saver"]["title"] == "Saver plus"


UNKNOWN = [
    "{% set recipient = recipient %}{{ recipient.no_such_field }}",
    "{{ recipient.no_such_field }}",
    "{% for recipient in [recipient] %}{{ recipient.no_such_field }}{% endfor %}",
    "{% for recipient in [1] %}{% endfor %}{{ recipient.no_such_field }}",
    "{% for recipient in [] %}{% else %}{{ recipient.no_such_field }}{% endfor %}",
    "{% if recipient.age > 1000 %}{% set recipient = 1 %}{% endif %}{{ recipient.no_such_field }}",
    "{% set r = recipient %}{% set s = r %}{{ s.no_such_field }}",
    "{% for r in [recipient, 1] %}{{ loop.previtem.no_such_field }}{% endfor %}",
    "{% set r = recipient if recipient.age > 1 else offer %}{{ r.no_such_field }}",
    "{{ recipient.no_such_field[:9] }}",
]


@pytest.mark.parametrize("text", variants(UNKNOWN, quick=1))
def test_field_that_is_not_there(team: Session, text: str) -> None:
    """A field that contacts do not have is a mistake of the specs, and does not get into design."""
    team.edit(offers={"saver": {"content": {"title": f"Dear {text}"}}})
    team.run("omar", "apply --yes")
    broken_if(team.design().title("saver") != "Save", "a text that names a field which is not there is in design")


@pytest.mark.parametrize(
    "text", variants(["{{ recipient.first_name }}", "{% set name = recipient.first_name %}{{ name }}"], quick=1)
)
def test_honest_field(team: Session, text: str) -> None:
    """A field that they have is read."""
    team.edit(offers={"saver": {"content": {"title": f"Dear {text}"}}})
    team.honestly("omar", "olga")
    assert team.shown()["saver"]["title"] == "Dear Ana"
