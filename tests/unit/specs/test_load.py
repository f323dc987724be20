"""Loading a whole project: what it means together, and every mistake in every file at once."""

from __future__ import annotations

from typing import Any

import pytest
from helpers.files import base
from helpers.projects import files_of, models
from helpers.workspace import Workspace
from hypothesis import given, settings
from hypothesis import strategies as st

from offerkit.diagnostics import Code, Diagnostic, Refused
from offerkit.specs import Loaded, Project, load

pytestmark = pytest.mark.embedded


def load_all(workspace: Workspace) -> Loaded:
    return load(Project(workspace.root), use_cache=False)


def mistakes(workspace: Workspace, patch: dict[str, Any]) -> list[Diagnostic]:
    workspace.change(patch)
    with pytest.raises(Refused) as caught:
        load_all(workspace)
    return list(caught.value.diagnostics)


def test_a_project_has_digests_for_each_environment(shop: Workspace) -> None:
    loaded = load_all(shop)
    assert sorted(loaded.digests) == ["shared", "shop"]
    assert len(loaded.records) == 20
    shop.apply("ada")
    with shop.store() as store:
        heads = store.heads()
    assert {name: heads[f"{name}@design"].digest for name in loaded.digests} == loaded.digests


def test_mistakes_of_all_files_are_told_in_order(shop: Workspace) -> None:
    found = mistakes(
        shop,
        {
            "specs/shop/broken.yaml": "version: 1\noffers:\n\tx: 1\n",
            "specs/shop/empty.yaml": "",
            "specs/shop/spaces.yaml": {"spaces": {"web": {"chanel": "x"}}},
            "environments/shop.yaml": {"environment": {"time_zone": "Mars"}},
        },
    )
    assert [(d.code, d.position and d.position.file) for d in found] == [
        (Code.BAD_VALUE, "environments/shop.yaml"),
        (Code.YAML_SYNTAX, "specs/shop/broken.yaml"),
        (Code.EMPTY_FILE, "specs/shop/empty.yaml"),
        (Code.UNKNOWN_KEY, "specs/shop/spaces.yaml"),
    ]


def test_two_of_one_name_in_two_files(shop: Workspace) -> None:
    found = mistakes(
        shop, {"specs/shop/more.yaml": "version: 1\noffers:\n  saver: {category: bank, content: {title: x}}\n"}
    )
    assert [(d.code, d.address) for d in found] == [(Code.DECLARED_TWICE, "shop/offer.saver")]
    assert str(found[0].position).startswith("specs/shop/offers.yaml")
    assert [text for text, _ in found[0].related] == ["first here"]


@pytest.mark.parametrize(
    ("patch", "code", "words"),
    [
        ({"offers": {"safari": {"category": "travle"}}}, Code.UNKNOWN_REFERENCE, "Did you mean travel?"),
        ({"offers": {"safari": {"template": "none"}}}, Code.UNKNOWN_REFERENCE, "no template “none”"),
        ({"offers": {"safari": {"eligible": {"filters": ["adult"]}}}}, Code.UNKNOWN_REFERENCE, "Did you mean adults?"),
        ({"offers": {"safari": {"reviewers": {"content": ["ad"]}}}}, Code.UNKNOWN_REFERENCE, "no operator “ad”"),
        ({"offers": {"safari": {"spaces": ["wbe"]}}}, Code.UNKNOWN_REFERENCE, "no space “wbe”"),
        ({"offers": {"safari": {"content": {"titel": "x"}}}}, Code.FIELD_NOT_ON_SPACE, "Did you mean title?"),
        ({"offers": {"safari": {"representations": {"web": {"html": "x"}}}}}, Code.FIELD_NOT_ON_SPACE, "“html”"),
        ({"offers": {"safari": {"spaces": ["mail"]}}}, Code.REQUIRED_FIELD, "space mail requires field html"),
        ({"offers": {"safari": {"content": {"title": None, "text": "x"}}}}, Code.REQUIRED_FIELD, "shown on any space"),
        ({"offers": {"safari": {"content": {"title": "{{ person.agee }}"}}}}, Code.UNKNOWN_VARIABLE, "person.age"),
        ({"offers": {"safari": {"content": {"title": "{{ title }}"}}}}, Code.UNKNOWN_VARIABLE, "“title”"),
        ({"categories": {"sport/golf": {}}}, Code.MISSING_PARENT, "parent category “sport”"),
        (
            {"templates": {"a": {"template": "b"}, "b": {"template": "a"}}},
            Code.CYCLE,
            "template.a → shop/template.b → shop",
        ),
        ({"templates": {"a": {"template": "a"}}}, Code.CYCLE, "in a circle"),
        (
            {"spaces": {"x": {"channel": "inbound-web", "unitary": True, "fields": [{"name": "title"}]}}},
            Code.NO_IDENTIFICATION,
            "Add identification: {keys: [id]}",
        ),
        (
            {
                "spaces": {
                    "x": {"channel": "email", "fields": [{"name": "title"}], "identification": {"keys": ["mail"]}}
                }
            },
            Code.UNKNOWN_FIELD,
            "Did you mean email?",
        ),
        (
            {
                "spaces": {
                    "x": {"channel": "email", "fields": [{"name": "title"}], "identification": {"fallback": "shop/web"}}
                }
            },
            Code.ANONYMOUS,
            "not anonymous",
        ),
        (
            {"spaces": {"x": {"channel": "email", "fields": [{"name": "title"}], "render": {"html": "{{ tilte }}"}}}},
            Code.UNKNOWN_VARIABLE,
            "Did you mean title?",
        ),
        ({"campaigns": {"c": {"outlines": {"o": {"offers": ["x"]}}}}}, Code.UNKNOWN_REFERENCE, "no offer “x”"),
        (
            {"rules": {"r": {"max": 1, "applies_to": {"offers": ["saverr"]}}}},
            Code.UNKNOWN_REFERENCE,
            "Did you mean saver?",
        ),
    ],
)
def test_what_does_not_fit_together(shop: Workspace, patch: dict[str, Any], code: Code, words: str) -> None:
    section = next(iter(patch))
    file = "specs/shop/offers.yaml" if section == "offers" else "specs/shop/zz.yaml"
    found = mistakes(shop, {file: {"version": 1, **patch}})
    assert [d.code for d in found] == [code]
    assert words in " ".join((found[0].summary, found[0].detail, found[0].hint))
    assert found[0].position is not None
    assert found[0].position.file == file
    assert found[0].address.startswith("shop/")


def test_an_environment_that_nobody_declares_is_told_once(shop: Workspace) -> None:
    found = mistakes(shop, {"specs/shpo/all.yaml": {"version": 1, "filters": {"a": {"when": "x"}, "b": {"when": "x"}}}})
    assert [d.code for d in found] == [Code.UNKNOWN_REFERENCE]
    assert "Did you mean shop?" in found[0].hint


def test_another_environment_s_things_may_not_be_named(tmp_path: Any) -> None:
    workspace = Workspace(tmp_path, base("duo"))
    found = mistakes(
        workspace,
        {
            "specs/guests/all.yaml": {"categories": {"only-here": {}}},
            "specs/shop/all.yaml": {"offers": {"saver": {"category": "only-here"}}},
        },
    )
    assert [d.code for d in found] == [Code.FOREIGN_REFERENCE]
    assert "there is one in guests" in found[0].summary


def test_an_anonymous_environment_is_inbound_only(tmp_path: Any) -> None:
    workspace = Workspace(tmp_path, base("duo"))
    found = mistakes(
        workspace,
        {
            "specs/guests/all.yaml": {
                "spaces": {"mail": {"channel": "email", "fields": [{"name": "title"}]}},
                "campaigns": {"c": {}},
            },
        },
    )
    assert [(d.code, d.address) for d in found] == [
        (Code.ANONYMOUS, "guests/space.mail"),
        (Code.ANONYMOUS, "guests/campaign.c"),
    ]


def test_fallbacks_that_lead_to_each_other(tmp_path: Any) -> None:
    workspace = Workspace(tmp_path, base("duo"))
    found = mistakes(
        workspace,
        {
            "specs/guests/all.yaml": {
                "spaces": {
                    "web": {"identification": {"fallback": "guests/side"}},
                    "side": {
                        "channel": "inbound-web",
                        "fields": [{"name": "title"}],
                        "identification": {"fallback": "guests/web"},
                    },
                }
            },
        },
    )
    assert [d.code for d in found] == [Code.CYCLE]
    assert "guests/space.side → guests/space.web → guests/space.side" in found[0].summary
    assert [text for text, _ in found[0].related] == ["guests/space.web is here"]


@pytest.mark.parametrize(
    ("moved", "words"),
    [
        ({"offer.saver": "offer.new"}, "still declared"),
        ({"offer.gone": "offer.nowhere"}, "offer.nowhere is not declared"),
        ({"offer.a": "offer.saver", "offer.b": "offer.saver"}, "two resources would become"),
        ({"offer.a": "offer.b", "offer.b": "offer.a"}, "offer"),
        ({"offer.a": "offer.b", "offer.b": "offer.c"}, "not declared"),
    ],
)
def test_renames_that_cannot_be(shop: Workspace, moved: dict[str, str], words: str) -> None:
    found = mistakes(shop, {"specs/shop/moved.yaml": {"version": 1, "moved": moved}})
    assert {d.code for d in found} == {Code.BAD_MOVE}
    assert any(words in d.summary for d in found)


def test_one_name_cannot_be_renamed_twice(shop: Workspace) -> None:
    found = mistakes(
        shop,
        {
            "specs/shop/one.yaml": {"version": 1, "moved": {"offer.old": "offer.saver"}},
            "specs/shop/two.yaml": {"version": 1, "moved": {"offer.old": "offer.safari"}},
        },
    )
    assert {d.code for d in found} == {Code.BAD_MOVE}


def test_a_chain_of_renames_is_fine(shop: Workspace) -> None:
    shop.change({"specs/shop/moved.yaml": {"version": 1, "moved": {"offer.a": "offer.b", "offer.b": "offer.saver"}}})
    assert load_all(shop).moves == {"shop/offer.a": "shop/offer.b", "shop/offer.b": "shop/offer.saver"}


@settings(max_examples=15)
@given(data=st.data(), model=models(), seeds=st.tuples(st.integers(1, 99), st.integers(1, 99)))
def test_neither_files_nor_their_order_matter(
    tmp_path_factory: pytest.TempPathFactory, data: Any, model: Any, seeds: tuple[int, int]
) -> None:
    results = []
    for seed in (0, *seeds):
        loaded = load_all(Workspace(tmp_path_factory.mktemp("p"), files_of(model, seed)))
        prints = {address: record.fingerprint for address, record in loaded.records.items()}
        results.append((loaded.digests, prints, loaded.bodies(sorted(loaded.records))))
    assert results[0] == results[1] == results[2]


def test_a_large_project_is_parsed_on_all_cores_as_on_one(shop: Workspace) -> None:
    text = "x" * 2000
    shop.change(
        {
            f"specs/shop/many-{part}.yaml": {
                "version": 1,
                "offers": {f"o-{part}-{n}": {"category": "bank", "content": {"title": text}} for n in range(100)},
            }
            for part in range(8)
        }
    )
    whole = load_all(shop)
    assert len(whole.records) == 820
    shop.change({"specs/shop/many-3.yaml": {"offers": {"o-3-7": {"label": True}}}, "specs/shop/many-5.yaml": "- a\n"})
    with pytest.raises(Refused) as caught:
        load_all(shop)
    assert [(d.code, d.position and d.position.file) for d in caught.value.diagnostics] == [
        (Code.WRONG_TYPE, "specs/shop/many-3.yaml"),
        (Code.WRONG_TYPE, "specs/shop/many-5.yaml"),
    ]
