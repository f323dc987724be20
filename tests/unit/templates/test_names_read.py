"""What a template reads from outside, whatever its own names are."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from minijinja import Environment, TemplateError

from offerkit.templates.inspection import inspect


@pytest.mark.parametrize(
    ("text", "used"),
    [
        ("{% set offer = offer.label %}{{ offer }}", ["offer.label"]),
        ("{% set offer = offer.label | upper %}{{ offer }}", ["offer.label"]),
        ("{% set offer = offer %}{{ offer.label }}", ["offer", "offer.label"]),
        ("{% set o = recipient %}{{ o.zip }}", ["recipient", "recipient.zip"]),
        ("{% set a = recipient %}{% set b = a %}{{ b.zip }}", ["recipient", "recipient.zip"]),
        ("{% set a = (recipient if 1 else offer) %}{{ a.zip }}", ["offer", "offer.zip", "recipient", "recipient.zip"]),
        ("{% for r in [recipient] %}{{ r.zip }}{{ loop.index }}{% endfor %}", ["recipient", "recipient.zip"]),
        ("{% for r in [recipient, 1] %}{{ loop.nextitem.zip }}{% endfor %}", ["recipient", "recipient.zip"]),
        ("{% for offer in [1] %}{% endfor %}{{ offer.label }}", ["offer.label"]),
        ("{% for offer in [] %}{% else %}{{ offer.label }}{% endfor %}", ["offer.label"]),
        ("{% for x in recipient.list if x != offer.code %}{{ x }}{% endfor %}", ["offer.code", "recipient.list"]),
        ("{% if title %}{% set offer = 1 %}{% endif %}{{ offer.label }}", ["offer.label", "title"]),
        ("{% if title %}{% set offer = 1 %}{% else %}{{ offer.label }}{% endif %}", ["offer.label", "title"]),
        ("{% for i in [1, 2] %}{{ offer.label }}{% set offer = 1 %}{% endfor %}", ["offer.label"]),
        ("{{ offer['label'] }}", ["offer", "offer.label"]),
        ("{{ offer['label'][:2] }}", ["offer.label"]),
        ("{{ recipient.list[offer.code | length:] }}", ["offer.code", "recipient.list"]),
        ("{{ offer[title] }}", ["offer", "title"]),
        ("{{ [offer][0].label }}", ["offer"]),
        ("{{ title | replace('a', offer.name) | default(offer.code) }}", ["offer.code", "offer.name", "title"]),
        ("{{ title is startingwith(offer.code) }}", ["offer.code", "title"]),
        ("{{ range(3) }}{% set range = offer.label %}{{ range }}", ["offer.label"]),
        ("{{ title | truncate(length=3) }}", ["title"]),
        ("{% raw %}{{ offer.label }}{% endraw %}", []),
    ],
)
def test_names(text: str, used: list[str]) -> None:
    seen = inspect(text)
    assert (sorted(seen.variables), seen.error) == (used, "")


NAMES = ["offer", "recipient", "x"]
VALUES = st.sampled_from(
    [
        "offer.label",
        "offer",
        "recipient.zip",
        "recipient",
        "x",
        "x.label",
        "1",
        "offer['label']",
        "offer.label[:2]",
        "(offer if x else recipient)",
        "offer.label | upper",
        "x | default(offer.label)",
        "loop.previtem.label",
    ]
)
LISTS = st.one_of(VALUES.map("[{}]".format), st.tuples(VALUES, VALUES).map(lambda pair: f"[{pair[0]}, {pair[1]}]"))


def blocks(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    name = st.sampled_from(NAMES)
    return st.one_of(
        st.lists(inner, min_size=2, max_size=3).map("".join),
        st.tuples(VALUES, inner, inner).map(lambda t: f"{{% if {t[0]} %}}{t[1]}{{% else %}}{t[2]}{{% endif %}}"),
        st.tuples(VALUES, inner).map(lambda t: f"{{% if {t[0]} %}}{t[1]}{{% endif %}}"),
        st.tuples(name, LISTS, inner, inner).map(
            lambda t: f"{{% for {t[0]} in {t[1]} %}}{t[2]}{{% else %}}{t[3]}{{% endfor %}}"
        ),
        st.tuples(name, LISTS, VALUES, inner).map(
            lambda t: f"{{% for {t[0]} in {t[1]} if {t[2]} %}}{t[3]}{{% endfor %}}"
        ),
    )


TEMPLATES = st.recursive(
    st.one_of(
        VALUES.map("<{{{{ {} }}}}>".format),
        st.tuples(st.sampled_from(NAMES), VALUES).map(lambda t: f"{{% set {t[0]} = {t[1]} %}}"),
    ),
    blocks,
    max_leaves=8,
)


@settings(max_examples=300)
@given(TEMPLATES)
def test_what_changes_a_text_is_read(text: str) -> None:
    """A text that comes out otherwise with another value reads that value, or all of its namespace."""
    seen = inspect(text)
    if seen.error:
        return
    plain = {"offer": {"label": "a"}, "recipient": {"zip": "b", "label": "c"}, "x": {"label": "d"}}
    for namespace, value in (("offer", "label"), ("recipient", "zip"), ("recipient", "label"), ("x", "label")):
        for other in ("changed", ""):
            there = {**plain, namespace: {**plain[namespace], value: other}}
            if _rendered(text, plain) != _rendered(text, there):
                assert {namespace, f"{namespace}.{value}"} & set(seen.variables), (namespace, value)


def _rendered(text: str, values: dict[str, dict[str, str]]) -> str:
    try:
        return str(Environment().render_str(text, **values))
    except TemplateError as error:
        return f"{error.kind}"
