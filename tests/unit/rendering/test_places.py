"""Where values may stand in markup: found as a browser reads it, along every branch."""

from __future__ import annotations

import pytest

from offerkit.rendering.templates import inspect


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<script>var x = '{{ a }}'</script>", "<script>"),
        ("<STYLE>\n{{ a }}</STYLE>", "<style>"),
        ("<a onclick=\"f('{{ a }}')\">", "onclick"),
        ("<a style='color: {{ a }}'>", "style"),
        ("<a {{ a }}>", "inside a tag"),
        ("<{{ a }}>", "inside a tag"),
        ("</{{ a }}>", "inside a tag"),
        ("< {{- a }}>", "inside a tag"),
        ("< {#- note #}{{ a }}>", "inside a tag"),
        ("< {%- raw %}{% endraw %}{{ a }}>", "inside a tag"),
        ("<h{{ a }}>", "inside a tag"),
        ("<a href=x{{ a }}>", "needs quotes"),
        ("<a href = {{ a }}>", "needs quotes"),
        ('<a href=https://x.example/?q="{{ a }}">', "needs quotes"),
        ("<a b='1' c={% if d %}{{ a }}{% endif %}>", "needs quotes"),
        ("<!--> <script>{{ a }}", "<script>"),
        ("<!-- x --!> <script>{{ a }}", "<script>"),
        ("<? > <script>{{ a }}", "<script>"),
        ("<![CDATA[ > <script>{{ a }}", "<script>"),
        ("<textarea><a b='</textarea><script>{{ a }}", "<script>"),
        ("{% if a %}<script>{% else %}</script>{% endif %}{{ a }}", "<script>"),
        ("{% if a %}<b{% endif %} {{ a }}>", "inside a tag"),
        ("<p title={% if a %}\"{% else %}'{% endif %}{{ a }}' {{ a }}", "inside a tag"),
        ("{% for x in a %}<p title='{% endfor %}", "a loop ends in another place"),
        ("".join(f"{{% if a %}}<a{n} b='{{% endif %}}" for n in range(20)) + "{{ a }}", "too many ways"),
    ],
)
def test_places_in_html_that_escaping_cannot_guard(text: str, said: str) -> None:
    assert said in inspect(text, html=True).error
    assert inspect(text).error == ""


@pytest.mark.parametrize(
    "text",
    [
        "<script>x</script>{{ a }}",
        "<!-- <script> -->{{ a }}",
        "<!--[if mso]><b {{ '' }}><![endif]-->{{ a }}",
        "<!--[if !mso]><!--><p>{{ a }}</p><!--<![endif]-->",
        "<p title='>'>{{ a }}",
        "</script>{{ a }}",
        "<br/>{{ a }}",
        "<textarea><a {{ a }}</textarea>{{ a }}",
        "1 < 2 {{ a }}",
        "{% if a %}<b>{% endif %}{{ a }}{% if a %}</b>{% endif %}",
        "<a{% if a %} class='{{ a }}'{% elif b %} id=\"x\"{% endif %} title='{{ a }}'>",
        "{% for x in a %}<p title='{{ x }}'>{% else %}{{ a }}{% endfor %}",
    ],
)
def test_places_in_html_that_it_guards(text: str) -> None:
    assert inspect(text, html=True).error == ""


def test_a_script_element_of_xml_is_no_program() -> None:
    assert inspect("<script>{{ a }}</script><a onclick='{{ a }}'/>", xml=True).error == ""


@pytest.mark.parametrize("text", ["<a b={{ a }}/>", "<a {{ a }}/>", "<{{ a }}/>", "<!-- {{ a }} -->", "<?x {{ a }}?>"])
def test_places_in_xml(text: str) -> None:
    assert inspect(text, xml=True).error
    assert inspect(text).error == ""


@pytest.mark.parametrize(
    ("text", "fine"),
    [
        ("<p>{{ html }}</p>", True),
        ("<p title='{{ html }}'>", False),
        ("<p title='{{ html|default(title) }}'>", False),
        ("<p title='{{ [html]|first }}'>", False),
        ("{% set x = html %}<p title='{{ x }}'>", False),
        ("<p title='{{ html|truncate(9) }}'>", True),
        ("<p title='{{ offer.html }}'>", True),
        ("<textarea>{{ html }}</textarea>", False),
    ],
)
def test_markup_stands_between_tags_only(text: str, fine: bool) -> None:
    """Its own quotes would end the attribute, and what was a quoted value in it would be an attribute."""
    assert (inspect(text, html=True, markup=frozenset({"html"})).error == "") is fine
