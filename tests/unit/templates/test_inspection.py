"""What a template uses, and whether it can be read."""

from __future__ import annotations

import pytest

from offerkit.templates.inspection import inspect, is_template


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
        ("{{ a | nofilter }}", 1),
    ],
)
def test_what_cannot_be_read(text: str, line: int) -> None:
    seen = inspect(text)
    assert seen.error
    assert seen.line == line
    assert not seen.variables


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{{ a|uper }}", "unknown filter “uper”; did you mean “upper”?"),
        ("{{ a|upper.x }}", "unknown filter “upper.x”; did you mean “upper”?"),
        ("{{ a|safe }}", "unknown filter “safe”"),
        ("{{ a|default(b|tojson) }}", "unknown filter “tojson”; did you mean “join”?"),
        ("{% if a is oddd %}{% endif %}", "unknown test “oddd”; did you mean “odd”?"),
        ("{% if a is not mapping %}{% endif %}", "unknown test “mapping”"),
        ("{{ rang(3) }}", "unknown function “rang”; did you mean “range”?"),
        ("{{ debug() }}", "unknown function “debug”"),
        ("{{ a.pop('x') }}", "“pop(…)”: values have no methods; use a filter"),
        ("{{ a.if(1) }}", "“if(…)”: values have no methods; use a filter"),
        ("{{ (a)(1) }}", "“)(…)”: values have no methods; use a filter"),
        ("{{ a['pop']() }}", "“](…)”: values have no methods; use a filter"),
        ("{{ a.__class__ }}", "“__class__”: names that begin with _ cannot be used"),
        ("{{ a['__class__'] }}", "“'__class__'”: names that begin with _ cannot be used"),
        ("{{ a ~ b }}", "“~” is not allowed; write values next to each other: {{ a }}{{ b }}"),
        ("{% include 'x' %}", "“include” is not allowed here, only if, for, set or raw"),
        ("{%- macro f(x) -%}{{ f(x) }}{%- endmacro -%}", "“macro” is not allowed here, only if, for, set or raw"),
        ("{% for a in b recursive %}{% endfor %}", "a loop cannot be recursive"),
        ("{% for a in range(1000000000) %}{% endfor %}", "range can go to at most 1,000"),
        ("{% for a in range(10**9) %}{% endfor %}", ""),
        ("{% set x %}a{% endset %}", "“set” takes the form {% set name = value %}"),
        ("{% set x = x + x %}", "the value of “set” cannot be built with + or *, and cannot be a list"),
        ("{% set x = [x, x] %}", "the value of “set” cannot be built with + or *, and cannot be a list"),
        ("{% set x = (x, x) %}", "the value of “set” cannot be a list"),
        ("{% set x = x, x %}", "the value of “set” cannot be a list"),
        ("{% set x, y = a %}", "“set” takes the form {% set name = value %}"),
        ("{% for a in b %}" + "x" * 9000 + "{% endfor %}", "a loop repeats more than 8,192 characters of text"),
        ("{{ a }}" * 2001, "it has 2,001 blocks; at most 2,000 are allowed"),
        ("{{ a" + " + a" * 500 + " }}", "a block has more than 1,000 words and signs"),
    ],
)
def test_what_the_language_does_not_have(text: str, said: str) -> None:
    assert inspect(text).error == said
    assert inspect("one\n\n" + text).line == (3 if said and "blocks" not in said else bool(said))


def test_where_it_is() -> None:
    text = "one {{ a|upper|\n safe }}"
    seen = inspect(text)
    assert (seen.line, seen.at) == (2, text.index("safe"))


@pytest.mark.parametrize(
    "text",
    [
        "{{ a|upper|default('x')|truncate(3) }}",
        "{% if a is not none and (b or c) %}{% elif not (a in ('x', 'y')) %}{% endif %}",
        "{% if a is divisibleby 3 %}{% endif %}",
        "{% if a is startingwith('x') %}{% endif %}",
        "{% for i in range(1, 9, 2) if i %}{% else %}{% endfor %}",
        "{{ status_url(2, a) }}",
        "{% raw %}{% include 'x' %} {{ a|nofilter }}{% endraw %}{{ a }}",
        "{# {{ a|nofilter }} #}{{ a }}",
        "{{ '{{ a|nofilter }}' }}",
        "{{ 'it\\'s |nofilter' }}",
        "{% set x = replace|default(a)|replace('a', 'b') %}{{ x }}",
        "{{ (a)|lower }}",
        "{{ 'a' if (a) else (b) }}",
        "{{ -(a) }}",
        "{{ a|number(2) + ' €' }}",
        "{{- a -}}",
        "{% if a == {'x': {'y': 1}} %}{% endif %}{{ a }}",
        "<a title='{{ a }}' {% if b %}class=\"{{ b }}\"{% endif %}>{{ c }}</a>",
        "a < b and c ={{ c }}",
        "{{ a.is }}",
    ],
)
def test_what_it_has(text: str) -> None:
    assert inspect(text).error == ""
    assert inspect(text, html=True).error == ""
    assert not {"range", "status_url", "loop"} & set(inspect(text).variables)
