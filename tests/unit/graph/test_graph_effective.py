"""What offers give on which spaces, by record alone."""

from __future__ import annotations

from offerkit.address import Kind
from offerkit.diagnostics import Position
from offerkit.graph.effective import explicit_spaces, given_fields, missing_fields, spaces_of, template_chain
from offerkit.graph.record import Facts, Index, Record, Ref

HERE = Position("x", 1, 1)


def record(kind: Kind, name: str, facts: Facts, template: str = "") -> Record:
    refs = (Ref(f"s/template.{template}", ("template",)),) if template else ()
    return Record(f"s/{kind}.{name}", "s", kind, name, "", HERE, refs, facts)


INDEX = Index.of([
    record(Kind.SPACE, "mail", Facts(fields=("title", "html"), required=("title", "html"))),
    record(Kind.SPACE, "web", Facts(fields=("title", "text"), required=("title",))),
    record(Kind.TEMPLATE, "base", Facts(fields=("title",), spaces=("web",))),
    record(Kind.TEMPLATE, "top", Facts(representations={"mail": ("html",)}), template="base"),
    record(Kind.TEMPLATE, "loop", Facts(fields=("x",)), template="loop"),
    record(Kind.OFFER, "plain", Facts(fields=("title",))),
    record(Kind.OFFER, "inherits", Facts(fields=("text",)), template="top"),
    record(Kind.OFFER, "says", Facts(spaces=("mail", "none")), template="top"),
    record(Kind.OFFER, "loops", Facts(), template="loop"),
    record(Kind.OFFER, "lost", Facts(fields=("title",)), template="none"),
])  # fmt: skip


def offer(name: str) -> Record:
    return INDEX.group("s", Kind.OFFER)[name]


def test_the_chain_of_templates_ends() -> None:
    assert [r.name for r in template_chain(INDEX, offer("inherits"))] == ["inherits", "top", "base"]
    assert [r.name for r in template_chain(INDEX, offer("loops"))] == ["loops", "loop"]
    assert [r.name for r in template_chain(INDEX, offer("lost"))] == ["lost"]


def test_spaces_by_name_or_by_what_is_given() -> None:
    assert spaces_of(INDEX, offer("plain")) == ["web"]
    assert spaces_of(INDEX, offer("inherits")) == ["web"]  # named by its template's template
    assert spaces_of(INDEX, offer("says")) == ["mail"]
    assert spaces_of(INDEX, offer("loops")) == []


def test_fields_come_from_the_whole_chain() -> None:
    chain = list(template_chain(INDEX, offer("says")))
    assert explicit_spaces(chain) == ("mail", "none")
    assert given_fields(chain, "mail") == {"title", "html"}
    assert given_fields(chain, "web") == {"title"}
    mail = INDEX.group("s", Kind.SPACE)["mail"]
    assert missing_fields(INDEX, chain, mail) == []
    assert missing_fields(INDEX, list(template_chain(INDEX, offer("loops"))), mail) == ["title", "html"]


def test_of_two_records_with_one_address_the_first_counts() -> None:
    first, second = record(Kind.OFFER, "a", Facts(fields=("x",))), record(Kind.OFFER, "a", Facts(fields=("y",)))
    assert Index.of([first, second]).by_address == {"s/offer.a": first}
