"""Where values may stand in markup: found as a browser reads it, along every branch."""

from __future__ import annotations

import pytest

from offerkit.templates.inspection import inspect


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
        ("{% for x in a %}<p title='{% endfor %}", "a loop must close the markup"),
        ("{% for x in a %}{{ x }}<script>{% else %}{% endfor %}", "a loop must close the markup"),
        (
            "{% for x in a %}{% if b %}<p title='{% else %}{% endif %}{% else %}{% endfor %}",
            "a loop must close the markup",
        ),
        ("<script src='{{ a }}'></script>", "where the src of <script> is loaded from"),
        ("<script src='//{{ a }}/x.js'></script>", "where the src of <script> is loaded from"),
        ("<script src='/{{ a }}'></script>", "where the src of <script> is loaded from"),
        ("<script src='https:{% if b %}{% endif %}/b{{ a }}'></script>", "where the src of <script> is loaded from"),
        ("<base href='{{ a }}'>", "where the href of <base> is loaded from"),
        ("<a href='javascript:x'>{{ a }}</a>", "runs a script"),
        ("<a href=' java\nscript:x({{ a }})'></a>", "runs a script"),
        ("<iframe src='data:text/html,{{ a }}'></iframe>", "runs a script"),
        (
            "<a _urlType='11' href='https://x.example:99999/'>{{ a }}</a>",
            "a tracked link does not lead to a URL: its port",
        ),
        ("<a _urlType=11 href='javascript&#58;x'>{{ a }}</a>", "runs a script"),
        ("<a href='{{ status_url('acepted', a) }}'></a>", "status_url: “acepted” is not a status"),
        ("<a href='{{ status_url(7, a) }}'></a>", "status_url: “7” is not a status"),
        (
            "<a href=\"{{ status_url('accepted', 'https://x..example') }}\"></a>",
            "status_url does not lead to a URL: its host",
        ),
        ("".join(f"{{% if a %}}<a{n} b='{{% endif %}}" for n in range(20)) + "{{ a }}", "too many states"),
    ],
)
def test_places_in_html_that_escaping_cannot_guard(text: str, said: str) -> None:
    assert said in inspect(text, html=True).error
    assert inspect(text).error == "" or "status_url" in said


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
        "<script src='https://x.example/a.js?b={{ a }}'></script>{{ a }}",
        "<script src='/a.js?b={{ a }}'></script>",
        "<img src='data:image/svg+xml,<svg>' alt='{{ a }}'>",
        "<a _urlType='11' href='https://x.example/{{ a }}'>{{ a }}</a><a _urlType='11' href='{{ a }}'></a>",
        "<a href='{{ status_url('accepted', a) }}'></a><a href='{{ status_url(2, 'https://x.example') }}'></a>",
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
        ("{% for x in [html] %}<a title='{{ x }}'></a>{% endfor %}", False),
        ("{% for x in [html] %}<a>{{ x }}</a>{% endfor %}", True),
        ("{% for x in [title] %}<a title='{{ x }}'></a>{% endfor %}", True),
        ("{% for x in [html]|unique %}<a title='{{ x }}'></a>{% endfor %}", False),
        ("{% for x in {'a': html} %}<a title='{{ x }}'></a>{% endfor %}", False),
        (
            "{% for x in [[title, [html]]] %}{% for y in x %}{% for z in y %}<a title='{{ z }}'></a>{% endfor %}{% endfor %}{% endfor %}",
            False,
        ),
        ("{% for a, b in [[title, html]] %}<a title='{{ b }}'></a>{% endfor %}", False),
        ("{% for (a, b) in [[title, html]] %}<a title='{{ b }}'></a>{% endfor %}", False),
        ("{% for x in [html, title] %}<a title='{{ loop.previtem }}'></a>{% endfor %}", False),
        ("{% for x in [html, title] %}<a title='{{ loop.nextitem|default(1) }}'></a>{% endfor %}", False),
        ("{% for x in [html] %}{% set y = loop %}<a title='{{ y.nextitem }}'></a>{% endfor %}", False),
        ("{% for x in [html] %}<a title='{{ loop.index }}'>{{ x }}</a>{% endfor %}", True),
        ("{% for x in [html] %}{% for y in [title] %}<a title='{{ y }}'>{{ x }}</a>{% endfor %}{% endfor %}", True),
        ("{% for x in [html] %}{% set y = x %}<a title='{{ y }}'></a>{% endfor %}", False),
        ("{% for x in [html] %}{{ x }}{% endfor %}{% for x in [title] %}<a title='{{ x }}'></a>{% endfor %}", True),
        ("{% for html in [title] %}{% else %}<a title='{{ html }}'></a>{% endfor %}", False),
        ("{% for x in [title] %}{% else %}{% set y = html %}{% endfor %}<a title='{{ y }}'></a>", False),
        ("{% for x in [html] %}{% set title = x %}{% else %}<a title='{{ title }}'></a>{% endfor %}", True),
        ("{% for html in [title] %}<a title='{{ html }}'></a>{% endfor %}", True),
        ("{% for title in [html] %}{{ title }}{% endfor %}<a title='{{ title }}'></a>", True),
        ("{% if a %}{% set x = html %}{% endif %}<a title='{{ x }}'></a>", False),
        ("{% set x = title if a else html %}<a title='{{ x }}'></a>", False),
        ("{% set x = html %}{% set y = x %}<a title='{{ y|default(title) }}'></a>", False),
        ("{% set x = html|upper %}<a title='{{ x }}'></a>", True),
        ("<a title='{{ html|join }}'></a>", False),
        ("<a title='{{ [html]|unique|last }}'></a>", False),
        ("<a title='{{ html + title }}'></a>", False),
        ("<a title='{{ [html][0] }}'></a>", False),
        ("<a title='{{ {\"a\": html}.a }}'></a>", False),
        ("<a title='{{ a or html }}'></a>", False),
        ("<a title='{{ title|default(html) }}'></a>", False),
        ("<a title='{{ html[1:] }}'></a>", False),
        ('<a class=\'{{ "wide" if html else "narrow" }}\'></a>', True),
        ("<a class='{{ \"wide\" if a or html|trim else html }}'></a>", False),
        ("<a class='{{ html if html else \"narrow\" }}'></a>", False),
        ("<a class='{{ (\"wide\" if html else title)|upper }}'></a>", True),
        ("<a class='{{ (title if html) or html }}'></a>", False),
        ("<a class='{{ [title if a, html]|last }}'></a>", False),
        ('<a class=\'{{ {"a": title if a, "b": html}.b }}\'></a>', False),
        ("<a class='{{ title[0 if a:] if html }}'></a>", True),
        ("<a title='{{ not html }}{{ html is defined }}{{ html is not none }}'></a>", True),
        ("<a title='{{ html is defined and html }}'></a>", False),
        ("{% for x in [title] if html %}<a title='{{ x }}'></a>{% endfor %}", True),
        ("{% for x in [title, html] if title %}<a title='{{ x }}'></a>{% endfor %}", False),
    ],
)
def test_markup_stands_between_tags_only(text: str, fine: bool) -> None:
    """Its own quotes would end the attribute, and what was a quoted value in it would be an attribute."""
    assert (inspect(text, html=True, markup=frozenset({"html"})).error == "") is fine
