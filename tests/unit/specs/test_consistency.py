"""What offers give on which spaces, by record alone, and what is wrong between resources."""

from __future__ import annotations

import pytest

from offerkit.address import SHARED, Address, Kind
from offerkit.diagnostics import Code, Position
from offerkit.specs.consistency import inconsistencies
from offerkit.specs.offer_content import inheritance_of
from offerkit.specs.record import Index, Misfit, Record, ResourceFacts
from offerkit.state.effective import EffectiveOffer
from offerkit.state.references import Ref

HERE = Position("x", 1, 1)


def record(kind: Kind, name: str, facts: ResourceFacts, template: str = "") -> Record:
    refs = (Ref(Address("s", Kind.TEMPLATE, template), ("template",)),) if template else ()
    return Record(Address("s", kind, name), "s", kind, name, "", HERE, refs, facts)


INDEX = Index.of(
    [
        record(Kind.SPACE, "mail", ResourceFacts(fields=("title", "html"), required=("title", "html"))),
        record(Kind.SPACE, "web", ResourceFacts(fields=("title", "text"), required=("title",))),
        record(Kind.TEMPLATE, "base", ResourceFacts(fields=("title",), spaces=("web",))),
        record(Kind.TEMPLATE, "top", ResourceFacts(representations={"mail": ("html",)}), template="base"),
        record(Kind.TEMPLATE, "loop", ResourceFacts(fields=("x",)), template="loop"),
        record(Kind.OFFER, "plain", ResourceFacts(fields=("title",))),
        record(Kind.OFFER, "inherits", ResourceFacts(fields=("text",)), template="top"),
        record(Kind.OFFER, "says", ResourceFacts(spaces=("mail", "none")), template="top"),
        record(Kind.OFFER, "loops", ResourceFacts(), template="loop"),
        record(Kind.OFFER, "lost", ResourceFacts(fields=("title",)), template="none"),
    ]
)


def offer(name: str) -> EffectiveOffer:
    return inheritance_of(INDEX, "s").offer(Address("s", Kind.OFFER, name))


def test_the_chain_of_templates_ends() -> None:
    assert [layer.name for layer in offer("inherits").layers] == ["inherits", "top", "base"]
    assert [layer.name for layer in offer("loops").layers] == ["loops", "loop"]
    assert [layer.name for layer in offer("lost").layers] == ["lost"]


def test_spaces_by_name_or_by_what_is_given() -> None:
    assert offer("plain").shown_on == ("web",)
    assert offer("inherits").shown_on == ("web",)  # named by its template's template
    assert offer("says").shown_on == ("mail",)
    assert offer("loops").shown_on == ()


def test_fields_come_from_the_whole_chain() -> None:
    assert offer("says").named_spaces == ("mail", "none")
    assert offer("says").content("mail").keys() == {"title", "html"}
    assert offer("says").content("web").keys() == {"title"}
    assert offer("says").missing("mail") == []
    assert offer("loops").missing("mail") == ["title", "html"]


def test_of_two_records_with_one_address_the_first_counts() -> None:
    first, second = (
        record(Kind.OFFER, "a", ResourceFacts(fields=("x",))),
        record(Kind.OFFER, "a", ResourceFacts(fields=("y",))),
    )
    assert Index.of([first, second]).by_address == {"s/offer.a": first}


@pytest.mark.parametrize(
    ("representations", "own", "told"),
    [
        ({}, {}, ["web"]),
        ({"web": ("link",)}, {}, []),  # the template's representation stands in its place
        ({}, {"web": ("link",)}, []),  # so does its own
        ({"wall": ("link",), "web": ("title",)}, {}, ["web"]),
    ],
)
def test_a_text_that_nobody_sees_is_not_wrong_where_it_would_stand(
    representations: dict[str, tuple[str, ...]], own: dict[str, tuple[str, ...]], told: list[str]
) -> None:
    wrong = Misfit(("content", "link"), "url", "it has no host", 0)
    records = [
        record(Kind.ENVIRONMENT, "s", ResourceFacts()),
        record(Kind.SPACE, "web", ResourceFacts(fields=("link",), types=(("link", "url", ()),))),
        record(Kind.SPACE, "wall", ResourceFacts(fields=("link",), types=(("link", "text", ()),))),
        record(Kind.TEMPLATE, "t", ResourceFacts(representations=representations)),
        record(Kind.OFFER, "o", ResourceFacts(fields=("link",), representations=own, misfits=(wrong,)), template="t"),
    ]
    named = [each._replace(fingerprint="-") for each in records]
    found = [finding for finding in inconsistencies(Index.of(named)) if finding.code is Code.BAD_VALUE]
    assert [finding.summary for finding in found] == [
        f"“link” is a URL on {space}, and this is not an http(s) URL: it has no host" for space in told
    ]


def test_operators_whom_git_cannot_tell_apart() -> None:
    people = [("ada", "ada@x.example"), ("ben", "ADA@x.example"), ("cy", ""), ("di", "")]
    index = Index.of(
        Record(
            Address(SHARED, Kind.OPERATOR, name),
            SHARED,
            Kind.OPERATOR,
            name,
            "",
            HERE,
            (),
            ResourceFacts(keys=(mail,) if mail else ()),
        )
        for name, mail in people
    )
    assert [(found.record.name, found.code) for found in inconsistencies(index)] == [("ben", Code.SHARED_EMAIL)]


def test_webhooks_whose_receivers_could_sign_for_each_other() -> None:
    """Their secrets would be the same variable."""
    index = Index.of(
        Record(Address(SHARED, Kind.WEBHOOK, name), SHARED, Kind.WEBHOOK, name, "", HERE, (), ResourceFacts())
        for name in ("team-chat", "team_chat", "Team-Chat", "teamchat")
    )
    found = [(mistake.record.name, mistake.code) for mistake in inconsistencies(index)]
    assert found == [("team_chat", Code.WEBHOOK_SECRET), ("Team-Chat", Code.WEBHOOK_SECRET)]


def test_operators_whom_a_forge_cannot_tell_apart() -> None:
    """The same number on another forge is another account."""
    people = [("ada", ("github:7", "gitlab:8")), ("ben", ("github:8",)), ("cy", ("gitlab:8",)), ("di", ())]
    index = Index.of(
        Record(
            Address(SHARED, Kind.OPERATOR, name),
            SHARED,
            Kind.OPERATOR,
            name,
            "",
            HERE,
            (),
            ResourceFacts(fields=accounts),
        )
        for name, accounts in people
    )
    found = [(each.record.name, each.path, each.code) for each in inconsistencies(index)]
    assert found == [("cy", ("accounts", "gitlab"), Code.SHARED_ACCOUNT)]


def test_two_operators_with_one_key() -> None:
    """A signature by it would be anybody's."""
    people = [("ana", ("key:SHA256:a", "github:1")), ("bob", ("key:SHA256:b",)), ("cy", ("key:SHA256:a",))]
    index = Index.of(
        Record(
            Address(SHARED, Kind.OPERATOR, name), SHARED, Kind.OPERATOR, name, "", HERE, (), ResourceFacts(fields=keys)
        )
        for name, keys in people
    )
    found = [(each.record.name, each.path, each.code) for each in inconsistencies(index)]
    assert found == [("cy", ("keys",), Code.SHARED_KEY)]


def test_an_automation_is_named_where_a_person_decides() -> None:
    robot = Address(SHARED, Kind.OPERATOR, "robot")
    refs = (
        Ref(robot, ("reviewers", "content", 0)),
        Ref(robot, ("reviewers", "eligibility", 0)),
        Ref(robot, ("label",)),
    )
    index = Index.of(
        [
            Record(robot, SHARED, Kind.OPERATOR, "robot", "", HERE, (), ResourceFacts(flags=("automation",))),
            Record(Address("s", Kind.OFFER, "o"), "s", Kind.OFFER, "o", "", HERE, refs, ResourceFacts()),
        ]
    )
    found = [(each.record.name, each.path[1], each.code) for each in inconsistencies(index)]
    assert found == [("o", "content", Code.NOT_A_PERSON), ("o", "eligibility", Code.NOT_A_PERSON)]
