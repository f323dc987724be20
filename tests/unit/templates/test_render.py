"""What comes out: escaped for where it goes, complete, or refused."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from xml.etree import ElementTree

import pytest
from helpers.rendering import output, shown, space, variables

from offerkit.rules.types import Value
from offerkit.templates.render import OfferContent, Renderer, RenderError
from offerkit.templates.variables import Variables

HOSTILE = [
    '"><script>alert(1)</script>',
    "' onmouseover='alert(1)",
    "javascript:alert(1)",
    "a & b &amp; c",
    "line\nbreak\ttab",
    "nul\x00 bell\x07 esc\x1b[31m del\x7f c1\x85",
    "]]>",
    "{{ 7*7 }}",
    "{% for i in range(9) %}x{% endfor %}",
    "<!-- --> <![CDATA[ x ]]>",
    "\ud800 lone",
    "\ufffe\uffff",
    "ünï 🎿",
    "",
]


# ---- sinks


@pytest.mark.parametrize("value", HOSTILE)
def test_a_value_in_html_is_text_and_nothing_else(value: str) -> None:
    template = '<p class="x">{{ recipient.name }}</p><a title="{{ recipient.name }}">b</a>'
    html = shown("html", template, name=value)
    root = ElementTree.fromstring(f"<r>{html}</r>")
    kept = "".join(
        c
        for c in value
        if c in "\n\t" or (ord(c) >= 32 and not 0x7F <= ord(c) < 0xA0 and c not in "\ud800\ufffe\uffff")
    )
    assert [child.tag for child in root] == ["p", "a"]
    assert root[0].text == (kept or None)
    assert root[1].attrib == {"title": kept.replace("\n", " ").replace("\t", " ")}
    assert '"' not in html.split('class="x">')[1].split("</p>")[0]


@pytest.mark.parametrize("value", HOSTILE)
def test_a_text_field_is_escaped_once_where_it_is_put(value: str) -> None:
    given = {"title": "{{ recipient.name }} & co"}
    html = output("html", '<h3 id="{{ title }}">{{ title }}</h3>', given, name=value)
    xml = output("xml", '<v a="{{ title }}">{{ title }}</v>', given, name=value)
    text = output("text", "{{ title }}", given, name=value)
    assert text.endswith(" & co")
    assert ElementTree.fromstring(html).text == ElementTree.fromstring(xml).text == text
    assert not {c for c in text if ord(c) < 32} - {"\n", "\t"}


@pytest.mark.parametrize("value", HOSTILE[:-1])
def test_a_value_in_a_url_is_one_component(value: str) -> None:
    url = shown("destination_url", "https://x.example/s?q={{ recipient.name }}&b=1", name=value)
    tail = url.removeprefix("https://x.example/s?q=").removesuffix("&b=1")
    assert all(c.isalnum() or c in "-._~%" for c in tail)


def test_markup_of_an_html_field_is_kept_in_html_escaped_in_xml_and_plain_in_text() -> None:
    given = {"html": "<b>1 & 2</b>"}
    assert output("html", "{{ html }}", given) == "<b>1 & 2</b>"
    assert output("xml", "{{ html }}", given) == "&lt;b&gt;1 &amp; 2&lt;/b&gt;"
    assert output("text", "{{ html }}", given) == "<b>1 & 2</b>"


def test_a_filter_takes_the_safety_of_markup_away_and_nothing_gives_it() -> None:
    assert output("html", "{{ html|truncate(5) }}", {"html": "<b>abc</b>"}) == "&lt;b&gt;a…"
    assert output("html", "{{ html + title }}", {"html": "<b>", "title": "<i>"}) == "<b>&lt;i&gt;"


# ---- values


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, ""),
        (True, "true"),
        (False, "false"),
        (7, "7"),
        (Decimal("1290.000000"), "1290"),
        (Decimal("0.1"), "0.1"),
        (Decimal("0.000001"), "0.000001"),
        (Decimal("-12345678.125"), "-12345678.125"),
        (Decimal("123456789012"), "123456789012"),
        (date(2027, 2, 4), "2027-02-04"),
        (datetime(2027, 2, 4, 10, 5), "2027-02-04T10:05:00"),
        (("a", "b"), "a, b"),
        ((), ""),
        (2**63 - 1, "9223372036854775807"),
    ],
)
def test_how_values_are_written(value: Value, written: str) -> None:
    assert shown("title", "x{{ recipient.v }}", v=value) == f"x{written}"


@pytest.mark.parametrize(
    ("expression", "value", "written"),
    [
        ("v|upper", None, ""),
        ("v|default('you')", None, "you"),
        ("v|default('you')", "", "you"),
        ("v|default('x')", 0, "0"),
        ("v|date('dmy')", date(2027, 2, 4), "04/02/2027"),
        ("v|date('mdy')", date(2027, 2, 4), "02/04/2027"),
        ("v|date('dots')", datetime(2027, 2, 4, 9, 5), "04.02.2027"),
        ("v|date('time')", datetime(2027, 2, 4, 9, 5), "09:05"),
        ("v|date", date(2027, 2, 4), "2027-02-04"),
        ("v|date", None, ""),
        ("v|number(2)", Decimal("1.005"), "1.01"),
        ("v|number", Decimal("2.5"), "3"),
        ("v|number(2)", None, ""),
        ("v|round(1)", Decimal("0.25"), "0.3"),
        ("v|join(' / ')", ("a", "b"), "a / b"),
        ("v|first", ("a", "b"), "a"),
        ("v|last", (), ""),
        ("v|length", ("a",), "1"),
        ("v|title", "ada LOVELACE", "Ada Lovelace"),
        ("v|capitalize", "ADA", "Ada"),
        ("v|trim", "  a ", "a"),
        ("v|truncate(4)", "abcdef", "abc…"),
        ("v|replace('a', 'b')", "aab", "bbb"),
        ("v|replace('', 'b')", "a", "a"),
        ("v|sort|join", ("b", "a"), "a, b"),
        ("v|unique|join", ("b", "b"), "b"),
        ("v|urlencode", "a b/c&d", "a%20b%2Fc%26d"),
        ("v + 0.2", Decimal("0.1"), "0.3"),
        ("v is none", None, "true"),
        ("'y' if v > 100 else 'n'", Decimal("100.5"), "y"),
    ],
)
def test_filters(expression: str, value: Value, written: str) -> None:
    expression = (
        expression.replace("v", "recipient.v", 1)
        if not expression.startswith("'")
        else expression.replace(" v ", " recipient.v ")
    )
    assert shown("title", "x{{ " + expression + " }}", v=value) == f"x{written}"


@pytest.mark.parametrize(
    "expression",
    [
        "'x'|date",
        "1|date('long')",
        "'2027-01-01'|date('long')",
        "'a'|number",
        "1|number(9)",
        "1|number('a')",
        "'a'|truncate(0)",
        "range(0, 10, 0)",
        "range(1, 5000)",
        "range(1.5)",
        "1|join",
        "recipient.nothing",
        "nobody",
        "recipient",
        "status_url('nonsense')",
        "status_url(9)",
        "status_url(2, 'javascript:alert(1)')",
        "status_url()",
        "1 / 0",
        "'a' - 1",
        "9**9**9",
        "'a'|default('b')|first(1, 2)",
    ],
)
def test_a_failing_template_is_one_error_with_its_field(expression: str) -> None:
    with pytest.raises(RenderError) as caught:
        shown("title", "x\n{{ " + expression + " }}")
    assert caught.value.where == "title"
    assert caught.value.reason
    with pytest.raises(RenderError) as caught:
        output("html", "{{ " + expression + " }}")
    assert caught.value.where == "html"


def test_an_error_of_the_engine_has_its_line() -> None:
    with pytest.raises(RenderError) as caught:
        output("text", "a\n\n{{ recipient.nothing }}")
    assert (caught.value.where, caught.value.line) == ("text", 3)
    assert str(caught.value).endswith("(line 3)")


# ---- reach and bounds


@pytest.mark.parametrize(
    "text",
    [
        "{{ recipient.__class__ }}",
        "{{ ''.__class__ }}",
        "{{ recipient['__class__'] }}",
        "{{ recipient.clear }}",
        "{{ recipient.get }}",
        "{% set r = recipient %}{{ r.clear }}",
        "{{ recipient.pop('a') }}",
        "{{ (recipient.copy)() }}",
        "{{ recipient['copy']() }}",
        "{{ recipient|items }}",
        "{{ recipient|attr('get') }}",
        "{{ debug() }}",
        "{{ recipient }}",
        "{{ status_url }}",
        "{{ range.__self__ }}",
        "{{ recipient.a|safe }}",
        "{% autoescape false %}{{ recipient.a }}{% endautoescape %}",
        "{{ loop }}",
        "{{ self }}",
        "{{ cycler }}",
        "{% include 'a' %}",
        "{% import 'a' as b %}",
        "{% from 'a' import b %}",
        "{% extends 'a' %}",
        "{% macro f() %}{% endmacro %}",
        "{% call f() %}{% endcall %}",
        "{% block a %}{% endblock %}",
        "{% filter upper %}{% endfilter %}",
        "{% do f() %}",
    ],
)
def test_nothing_reaches_into_python(text: str) -> None:
    contact: dict[str, Value] = {"a": "<"}
    with pytest.raises(RenderError):
        shown("html", text, **contact)
    assert contact == {"a": "<"}


@pytest.mark.parametrize(
    "text",
    [
        "{% for i in range(10**9) %}x{% endfor %}",
        "{% for i in range(1000) %}{% for j in range(1000) %}x{% endfor %}{% endfor %}",
        "{% for i in range(1000) %}{{ recipient.long }}{% endfor %}",
        "{{ 'a' * 1000000000 }}",
        "{{ 'a' * 100000000 * 100000 }}",
        "{% for i in range(900) %}" + "x" * 8000 + "{% endfor %}",
        "{{ recipient.long|replace('a', recipient.long) }}",
    ],
)
def test_work_and_output_are_bounded(text: str) -> None:
    with pytest.raises(RenderError):
        shown("title", text, long="a" * 5000)


# ---- what is required


def test_a_required_field_is_checked_after_its_values_are_in() -> None:
    for given in ({}, {"title": " \n"}, {"title": "{{ recipient.name }}"}):
        with pytest.raises(RenderError, match="required") as caught:
            Renderer.of(space()).content(given, variables(name=None))
        assert caught.value.where == "title"


def test_data_of_a_hook_is_no_template() -> None:
    data = {"title": "{{ 7*7 }}\x00", "html": "<b>{{ 1 }}", "deep_link": "https://x.example/?a=1&b={{2}}"}
    data["destination_url"] = "https://x.example/a%20b"
    content = Renderer.of(space()).content({"title": "t", "image_url": ""}, variables(), data)
    assert content.fields == {
        "title": "{{ 7*7 }}",
        "html": "&lt;b&gt;{{ 1 }}",
        "destination_url": data["destination_url"],
        "image_url": "",
        "deep_link": data["deep_link"],
    }
    with pytest.raises(RenderError, match="http"):
        Renderer.of(space()).content({"title": "t"}, variables(), {"deep_link": "javascript:alert(1)"})
    with pytest.raises(RenderError, match="required"):
        Renderer.of(space()).content({"title": "t"}, variables(), {"title": " "})


def test_fields_that_are_not_given_are_empty_and_those_of_other_spaces_are_left_out() -> None:
    content = Renderer.of(space()).content({"title": "t", "sms_text": "s"}, variables())
    assert content == OfferContent({"title": "t"})
    assert Renderer.of(space(html="{% if html %}y{% else %}n{% endif %}")).output(content, variables(), "html") == "n"


# ---- a space without functions


def test_defaults() -> None:
    renderer, its = Renderer.of(space()), variables(name="<Ada>")
    given = {
        "title": "Hello {{ recipient.name }}",
        "html": "<b>&amp;</b>",
        "destination_url": "https://x.example/?a=1&b=2",
        "image_url": "https://x.example/i.png",
        "deep_link": "https://x.example/app",
    }
    content = renderer.content(given, its)
    assert renderer.output(content, its, "html").splitlines() == [
        '<article class="offer">',
        '<h3 class="title">Hello &lt;Ada&gt;</h3>',
        '<div class="html"><b>&amp;</b></div>',
        '<a class="destination_url" href="https://x.example/?a=1&amp;b=2">https://x.example/?a=1&amp;b=2</a>',
        '<img class="image_url" src="https://x.example/i.png" alt="">',
        '<a class="deep_link" href="https://x.example/app">Go &amp; see</a>',
        "</article>",
    ]
    assert renderer.output(content, its, "text").splitlines()[0] == "Hello <Ada>"
    assert renderer.output(content, its, "xml").startswith(
        "<xmlOfferView><title>Hello &lt;Ada&gt;</title><html>&lt;b&gt;&amp;amp;&lt;/b&gt;</html><destination_url>"
    )


def test_an_unknown_output() -> None:
    with pytest.raises(ValueError, match="pdf"):
        Renderer.of(space()).output(OfferContent({"title": "t"}), variables(), "pdf")


def test_a_preview_has_no_proposition() -> None:
    its = Variables.of("recipient", {"name": "Ada"}).about({"name": "n", "code": "n", "label": "", "category": "c"})
    renderer = Renderer.of(space(html="{{ title }}"))
    assert renderer.output(renderer.content({"title": "{{ recipient.name }}"}, its), its, "html") == "Ada"


# ---- found in review


@pytest.mark.parametrize(
    "template",
    [
        "{{ (['x'] * 100000000)|length }}",
        "{{ recipient.tags * 100000000 }}",
        "{{ 100000000 * recipient.tags|sort }}",
        "{{ 2 * ([1]) }}",
        "{{ 2 * -3 * ['x'][0:] }}",
        "{{ ('a' 'b') * 2 }}",
        "{{ 2 * 'a' 'b' }}",
    ],
)
def test_only_numbers_are_multiplied(template: str) -> None:
    """The engine would repeat a list until the memory is full: that costs it no step."""
    with pytest.raises(RenderError, match="only numbers can be multiplied"):
        shown("title", template, tags=("a", "b"))


def test_products() -> None:
    text = (
        "{{ 2 * recipient.tags|length }} {{ 2*-3 }} {{ (1+2)*3*4 }} {{ 2*3**2 }} {{ [1, 2][1]*3 }} {{ 2 * {'a': 3}.a }}"
    )
    assert shown("title", text, tags=("a", "b")) == "4 -6 36 18 6 6"


@pytest.mark.parametrize(
    "value", ["'1e50'|number", "'1e999999999'|round", "('9' + '9999999999999999999999')|number", "1e308 + 1e308"]
)
def test_numbers_that_are_too_large(value: str) -> None:
    with pytest.raises(RenderError, match="too large"):
        shown("title", "{{ " + value + " }}")


def test_control_characters_and_what_cannot_be_seen_in_a_url() -> None:
    assert shown("destination_url", "https://x.example/{{ recipient.name }}", name="a\x00\x1bb\t") == (
        "https://x.example/ab%09"
    )
    with pytest.raises(RenderError, match="not a valid URL"):
        shown("destination_url", "https://x.example/\u202egpj.exe")


@pytest.mark.parametrize(
    ("xml", "why"),
    [
        ("<o>{{ title }}</p>", "mismatched tag"),
        ("<o>", "mismatched tag"),
        ("a & b", "invalid token"),
        ("<o>&nbsp;</o>", "undefined entity"),
        ("<o a='1' a='2'/>", "duplicate attribute"),
        ("<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "document type"),
        ("<?xml version='1.0'?><a/><b/>", "junk after document element"),
        ("</r><r>", "junk after document element"),
    ],
)
def test_xml_that_is_not_well_formed(xml: str, why: str) -> None:
    with pytest.raises(RenderError, match=f"not well-formed XML: .*{why}"):
        output("xml", xml)


@pytest.mark.parametrize("xml", ["<a/><b>{{ title }}</b>", "{{ title }}", "<?xml version='1.0'?>\n<a/>", ""])
def test_xml_that_is(xml: str) -> None:
    assert output("xml", xml).startswith(xml[:5].replace("{{ ti", "t"))


@pytest.mark.parametrize(
    "template",
    ["{{ 'x'|upper(1) }}", "{{ 'x'|replace('a') }}", "{{ 1|number(y=1) }}", "{{ range() }}", "{{ status_url() }}"],
)
def test_arguments_that_a_filter_does_not_take_are_told_in_our_words(template: str) -> None:
    with pytest.raises(RenderError, match="too few, too many or wrong arguments") as raised:
        shown("title", template)
    assert "positional" not in str(raised.value) and "lambda" not in str(raised.value)
