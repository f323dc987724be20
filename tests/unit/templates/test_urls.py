"""What can be a URL, written out or put together by a template on each of its branches."""

from __future__ import annotations

import pytest

from offerkit.templates.render import run
from offerkit.templates.urls import put_together, service_trouble, template_fault, url_fault
from offerkit.templates.values import Sink

URLS = [
    "https://a.example",
    "http://a.example:1",
    "https://a.example:65535/x",
    "https://[::1]/",
    "https://[2001:db8::1]:443/x",
    "https://bücher.example/ä",
    "https://a_b.example.",
    "https://1.2.3.4/",
    "HTTPS://A.example?x=1",
    "https://a.example#x",
    "https://localhost",
    "https://a.example:/x",
    "https://[::1]:080",
    "https://xn--mnchen-3ya.de",
    "https://a.example/x@y",
    "https://a.example?x=a@b:c",
    "https://例え.jp/",
    "https://x--y.example",
    "https://3com.example",
    "https://a.1b",
    "https://a.example/%zz",
    "https://[::ffff:1.2.3.4]",
]
NO_URLS = {
    "begin with http": [
        "",
        "//x",
        "https:/x.example",
        "https//x",
        "javascript:alert(1)",
        "data:text/html,x",
        "ftp://a",
        "mailto:x",
        "a.example",
        "/x",
    ],
    "no host": ["https://", "https:///x", "https://?x", "https://#", "https://:80/"],
    "port is not a number": [
        f"https://a.example:{port}" for port in ("0", "00/", "65536", "065536", "99999", "x/", "-1", "１２", "443:443")
    ],
    "empty part": ["https://a..b/", "https://.a/", "https://a.example../", "https://."],
    "not an IPv6 address": [
        "https://[::1",
        "https://[:::]/",
        "https://[1.2.3.4]",
        "https://[fe80::1%25eth0]/",
        "https://[::1]x/",
        "https://[]",
    ],
    "not an IPv4 address": ["https://1.2.3/", "https://999.1.1.1", "https://1", "https://0x7f.1", "https://a.1"],
    "not an internet name": [
        "https://a%41.example",
        "https://-a.example",
        "https://a-.example",
        "https://*.a",
        "https://a,b/",
        "https://" + "a" * 64,
    ],
    "253 characters": ["https://" + ".".join(["a" * 60] * 5)],
    "in it": [
        "https://a b/",
        "https://a/ b",
        "https://a\\b",
        "https://a/\\b",
        "https://a\u200b.example",
        "https://a/\u202e",
        "https://a/<b>",
        "https://a\tb",
    ],
    "user name": ["https://u@a", "https://u:p@a/", "https://a.example@evil.example/"],
    "more than 4,096": ["https://a.example/" + "a" * 4096],
}


@pytest.mark.parametrize("url", URLS)
def test_urls(url: str) -> None:
    assert url_fault(url) is None
    assert template_fault(f" {url}\n") is None
    assert put_together(url) == url


@pytest.mark.parametrize(("said", "url"), [(said, url) for said, urls in NO_URLS.items() for url in urls])
def test_what_is_no_url(said: str, url: str) -> None:
    fault = url_fault(url)
    assert fault is not None
    assert said in fault.reason
    assert 0 <= fault.at <= len(url)
    with pytest.raises(ValueError, match="not a valid URL"):
        put_together(url.strip(" \t\n") or "x")


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("https://{{ c }}.shop.example/", "in its host"),
        ("https://shop.example{{ x }}/", "in its host"),
        ("https://[{{ x }}]/", "in its host"),
        ("https://{{ 'shop' }}.example/", "in its host"),
        ("https://shop.example:{{ p }}/", "in its port"),
        ("https://[::1]:{{ p }}/", "in its port"),
        ("{{ s }}://a.example/", "scheme and host must be written out"),
        ("{{ u }}", "scheme and host must be written out"),
        ("http{{ s }}://a.example/", "scheme and host must be written out"),
        ("{{ u }}?x=1", "scheme and host must be written out"),
        ("ftp://x.example/{{ x }}", "begin with http"),
        ("javascript:{{ x }}", "begin with http"),
        ("https://a.example:99999/{{ x }}", "port is not a number"),
        ("https:///{{ x }}", "no host"),
        ("https://u@a.example/{{ x }}", "user name"),
        ("https://{% if a %}fr{% else %}u s{% endif %}.shop.example/{{ x }}", "a space in it"),
        ("https://a.example{% if a %}:99999{% endif %}/", "port is not a number"),
        ("https://{% if a %}a{% endif %}/", "no host"),
        ("https://a.example{% if a %}/x{% endif %}{{ x }}", "in its host"),
        ("{% if a %}https://a.example/{% elif b %}nowhere{% endif %}", "begin with http"),
        ("https://a.{% for x in l %}b.{% endfor %}c/", "a loop writes"),
        ("{% for x in l %}https://a.example{% endfor %}", "a loop writes"),
        ("{% for x in l %}https://a.example{% else %}{% endfor %}", "a loop writes"),
        ("https://" + "ä" * 300 + ".example/{{ x }}", "more than 253"),
        ("https://a.example/ {{ x }}", "a space before a value"),
        ("https://a.example/x {% if a %}y{% endif %}", "a space in it"),
        ("https://a.example/\\{{ x }}", "the character \\"),
        ("{% raw %}https://a.example/{{ x }}{% endraw %}", "a space in it"),
        ("https://a.example/" + "{% if a %}x{% endif %} " * 3 + "y", "a space in it"),
        ("".join(f"{{% if a %}}http{n}{{% endif %}}" for n in range(9)), "too many different ways"),
    ],
)
def test_templates_that_never_give_a_url(template: str, said: str) -> None:
    fault = template_fault(template)
    assert fault is not None
    assert said in fault.reason


@pytest.mark.parametrize(
    "template",
    [
        "https://a.example/{{ c }}",
        "https://a.example?x={{ c }}&y={{ c }}#{{ c }}",
        "{% if a %}https://a.example/{{ c }}{% endif %}",
        "{% if a %}https://a.example/{% else %}https://b.example/{% endif %}{{ c }}",
        "https://{% if a %}fr{% else %}us{% endif %}.shop.example/{{ c }}",
        "https:{% if a %}//a.example/{% else %}//b.example{% endif %}",
        "https://a.example/{% for x in l %}{{ x }}/{% endfor %}",
        "{% for x in l %}{% if loop.first %}https://a.example/{{ x }}{% endif %}{% endfor %}",
        "\n{%- if a -%} https://a.example/ {%- endif -%}\n",
        "https://a.example{# note #}/{{ c }}",
        "https://a.example/{{ c }} \n",
        "https://a.example/x {% if a %} {% endif %}",
        "https://{% raw %}a{% endraw %}.example/",
        "https://[::1]:8080/{{ c }}",
        "https://a.example:8443/{{ c|upper }}?{% if a %}x{% endif %}",
    ],
)
@pytest.mark.parametrize("values", [{"a": True, "c": "F R", "l": ("x", "y")}, {"a": False, "c": None, "l": ()}])
def test_templates_that_give_one(template: str, values: dict[str, object]) -> None:
    """Whatever is taken when it is read gives a URL, or nothing, when it is rendered."""
    assert template_fault(template) is None
    made = run(template, Sink.URL, values)
    assert not made.strip() or url_fault(put_together(made)) is None


def test_the_url_of_a_service_has_nothing_behind_its_path() -> None:
    assert service_trouble("https://a.example/o") == service_trouble("https://a.example/o?a=1", query=True) == ""
    assert service_trouble("https://a.example?a=1").endswith("it has a ?")
    assert service_trouble("https://a.example#a", query=True).endswith("it has a #")
    assert "port" in service_trouble("https://a.example:99999")
