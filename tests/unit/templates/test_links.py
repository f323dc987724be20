"""URLs and links in what is rendered: which are taken, which are tracked, and none that runs a program."""

from __future__ import annotations

import pytest
from helpers.rendering import output, shown, space, variables
from helpers.work import at_most

from offerkit.templates.render import Renderer, RenderError


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        "java\nscript:alert(1)",
        "data:text/html,x",
        "//x.example/a",
        "/a",
        "x.example",
        "http:x",
        "https://",
        "https:///a",
        "https://user:pw@x.example/",
        "https://bank.example@evil.example/",
        "https://x.example\\@evil.example",
        "https://x.example/a b",
        "https://x.example/\n",
        'https://x.example/a"b',
        "ftp://x.example",
        "app://cards",
        "https://x.example:port/",
        "https://{{ recipient.v }}/",
        "https://a{{ recipient.v }}.example/",
        "{{ recipient.v }}",
        "{{ recipient.v }}://x.example/",
        "https://x.example{{ recipient.v }}",
        "https://x.example/" + "a" * 5000,
    ],
)
def test_urls_that_are_refused(url: str) -> None:
    if url == "https://x.example/\n":  # a line end after it is what YAML blocks leave
        assert shown("deep_link", url) == url.strip()
        return
    for field in ("destination_url", "deep_link"):
        with pytest.raises(RenderError) as caught:
            shown(field, url, v="evil.example")
        assert caught.value.where == field


@pytest.mark.parametrize(
    "url",
    [
        "https://x.example",
        "HTTP://X.example/a?b=c#d",
        "https://x.example:8080/a",
        "https://münchen.example/ü?q=a@b",
        "https://[::1]/a",
        "https://x.example/a?next=https://y.example/&t=%7B%7D",
    ],
)
def test_urls_that_are_taken(url: str) -> None:
    assert shown("deep_link", url) == url


def test_a_url_may_be_chosen() -> None:
    text = "{% if recipient.fr %}https://a.example/fr{% else %}https://a.example/en{% endif %}?n={{ recipient.n }}"
    assert shown("destination_url", text, fr=True, n="é&") == "https://a.example/fr?n=%C3%A9%26"
    assert shown("image_url", "{% if recipient.fr %}https://a.example/{% endif %}", fr=False) == ""


def test_the_status_link_in_a_function() -> None:
    html = output(
        "html", '<a href="{{ status_url(2, destination_url) }}">', {"destination_url": "https://x.example/?a=1&b=é"}
    )
    assert html == (
        '<a href="https://o.example/o?a=UpdateStatus&amp;p=a%2F1&amp;st=2&amp;r=https%3A%2F%2Fx.example%2F%3Fa%3D1%26b%3D%C3%A9">'
    )
    assert output("text", "{{ status_url('rejected') }}") == "https://o.example/o?a=UpdateStatus&p=a%2F1&st=5"


def test_a_tracked_link_leads_through_the_status() -> None:
    body = space() | {"storage": {"accepted": "interested"}}
    before = "<P Class=x>a &nbsp; b\n<a\n  _urlType=\"11\" class='c' HREF='https://x.example/?a=1&amp;b=2' >go</a > <a href=z>"
    html = Renderer.of(body).content({"title": "t", "html": before}, variables()).fields["html"]
    link = "https://o.example/o?a=UpdateStatus&amp;p=a%2F1&amp;st=2&amp;r=https%3A%2F%2Fx.example%2F%3Fa%3D1%26b%3D2"
    assert html == f"<P Class=x>a &nbsp; b\n<a class='c' HREF=\"{link}\" >go</a > <a href=z>"


def test_a_tracked_link_in_a_function_and_without_a_service() -> None:
    given = {"destination_url": "https://x.example/?a=1&b=2"}
    function = '<a _urlType="11" href="{{ destination_url }}">{{ title }}</a>'
    html = output("html", function, given)
    assert "st=3&amp;r=https%3A%2F%2Fx.example%2F%3Fa%3D1%26b%3D2" in html
    assert "_urlType" not in html
    renderer, its = Renderer.of(space(html=function)), variables(base="")
    content = renderer.content({"title": "t"} | given, its)
    assert renderer.output(content, its, "html") == '<a href="https://x.example/?a=1&amp;b=2">t</a>'


def test_other_url_types_and_comments_are_left_alone() -> None:
    html = '<!-- <a _urlType="11" href="https://x.example"> --><a _urlType="1" href="https://x.example">'
    assert shown("html", html) == html


@pytest.mark.parametrize("target", ["javascript:alert(1)", "/relative", ""])
def test_a_tracked_link_leads_to_http_only(target: str) -> None:
    html = f'<a _urlType="11" href="{target}">x</a>'
    if target:
        with pytest.raises(RenderError, match="link"):
            shown("html", html)
    else:
        assert "&amp;r=" not in shown("html", html)


@pytest.mark.parametrize(
    "value", ["javascript:alert(1)", " JAVASCRIPT:alert(1)", "java\tscript:alert(1)", "java\nscript\n:x", "vbscript:x"]
)
def test_a_value_makes_no_link_that_runs_a_program(value: str) -> None:
    with pytest.raises(RenderError, match="runs a script"):
        shown("html", '<a href="{{ recipient.site }}">x</a>', site=value)
    with pytest.raises(RenderError, match="runs a script"):
        output("html", "<a href='{{ title }}'>x</a>", {"title": value})


def test_an_attribute_that_names_no_address_may_say_anything() -> None:
    assert (
        shown("html", '<a title="{{ recipient.site }}">x</a>', site="javascript:x") == '<a title="javascript:x">x</a>'
    )


@pytest.mark.parametrize(
    "address",
    [
        "javascript&colon;alert(1)",
        "javascript&#58;alert(1)",
        "jav&Tab;ascript:alert(1)",
        "&#x6A;avascript:alert(1)",
        "data:text/html,x",
        "data:text/html;base64,PHg+",
        "data:image/svg+xml,x",
        "DATA:application/xhtml+xml,x",
    ],
)
@pytest.mark.parametrize("tag", ['<a href="{}">', "<iframe src='{}'>", "<set to={}>", '<use xlink:href="{}">'])
def test_a_program_in_a_link_however_it_is_written(address: str, tag: str) -> None:
    with pytest.raises(RenderError, match="runs a script"):
        shown("html", tag.format(address))


@pytest.mark.parametrize(
    "html",
    [
        '<img src="data:image/svg+xml,x">',
        '<img src="data:image/png;base64,x">',
        '<a href="data:text/calendar,x">',
        '<a title="javascript: what is it">',
        '<a href="https://x.example/?a=1&#38;b=javascript:">',
        "a &#39; b",
        '<meta name="viewport" content="width=device-width">',
        '<a data-href="javascript:x">&#39;</a>',
    ],
)
def test_what_is_no_program(html: str) -> None:
    assert shown("html", html) == html


def test_a_program_in_a_refresh() -> None:
    with pytest.raises(RenderError, match="runs a script"):
        shown("html", '<meta http-equiv="refresh" content="0; url={{ recipient.name }}">', name="javascript:alert(1)")


@pytest.mark.parametrize(
    "html",
    [
        "<a _urltype " + "<a " * 3_000,
        "<a _urltype='11' b" + " " * 60_000 + ">",
        "<a _urltype>" + "<script>" * 9_000,
        "<a _urltype" + "<!--" * 9_000,
        "script href=" + " " * 60_000,
    ],
)
def test_odd_markup_is_little_work(html: str) -> None:
    """The parser of the standard library needs minutes for the first."""
    with at_most(500_000):
        shown("html", html)


def test_tracked_links_in_comments_and_texts_are_left_alone() -> None:
    link = '<a _urlType="11" href="https://x.example">'
    html = shown("html", f"<!-- {link} --><textarea>{link}</textarea><script>'{link}'</script>{link.upper()}")
    assert html.startswith(f"<!-- {link} --><textarea>{link}</textarea><script>'{link}'</script><A HREF=")
    assert html.count("UpdateStatus") == 1
    assert 'title=">" href="https://o.example' in shown("html", '<a title=">"_urlType="11" href="https://x.example">')
