"""What a template uses, and whether it can be read."""

from __future__ import annotations

import pytest

from offerkit.rendering.templates import inspect, is_template


@pytest.mark.parametrize("text", ["{{ a }}", "x {% if a %}{% endif %}", "{# note #}", "{{"])
def test_templates(text: str) -> None:
    assert is_template(text)


@pytest.mark.parametrize("text", ["", "plain", "{a: b}", "{ { a } }", "a % b", "100 {€}"])
def test_no_templates(text: str) -> None:
    assert not is_template(text)
    assert inspect(text).variables == ()
    assert inspect(text).error == ""


@pytest.mark.parametrize(
    ("text", "used"),
    [
        ("{{ recipient.first_name }}", ("recipient.first_name",)),
        ("{{ b }} {{ a }} {{ a }}", ("a", "b")),
        ("{% if recipient.age > 1 %}{{ title }}{% else %}{{ text }}{% endif %}", ("recipient.age", "text", "title")),
        ("{{ recipient.name | upper }}", ("recipient.name",)),
        ("{% for x in recipient.interests %}{{ x }}{% endfor %}", ("recipient.interests",)),
        ("{% set x = recipient.age %}{{ x }}", ("recipient.age",)),
        ("{{ 'a.b' }} {{ 1 }}", ()),
        ("{# {{ a }} #}", ()),
    ],
)
def test_what_is_used(text: str, used: tuple[str, ...]) -> None:
    assert inspect(text).variables == used
    assert inspect(text).error == ""


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("{{ a", 1),
        ("{{ a }", 1),
        ("x\ny {{ 1 + }}", 2),
        ("{% if a %}", 1),
        ("{% endif %}", 1),
        ("{% nonsense %}", 1),
        ("{{ a | nofilter }}", 0),
    ],
)
def test_what_cannot_be_read(text: str, line: int) -> None:
    seen = inspect(text)
    if line:
        assert seen.error
        assert seen.line == line
