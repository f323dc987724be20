"""Plans as bytes: there and back, and every doubt refused."""

from __future__ import annotations

import hashlib
import json
import random
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from helpers.files import TESTS
from helpers.postgres import new_schema
from helpers.projects import files_of, models
from helpers.workspace import Workspace
from hypothesis import given, settings
from hypothesis import strategies as st

from offerkit.diagnostics import Code, Refused
from offerkit.fingerprint import canonical
from offerkit.plans.plan import FORMAT, Plan, decode, encode, envelope, plan_digest
from offerkit.store import parse_location
from offerkit.usecases.plan_files import load_plan, save_plan

pytestmark = pytest.mark.embedded

ROUNDTRIP = TESTS / "roundtrip"
Change = Callable[[dict[str, Any]], object]


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def plans(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[Plan]:
    """A plan of each kind, with all that plans can hold; nobody changes them."""
    location = parse_location(new_schema()) if request.param == "postgresql" else None
    live_shop = Workspace(tmp_path_factory.mktemp("plans"), location=location).go_live()
    made = [Workspace(live_shop.root / "new").plan()]
    live_shop.change(
        {
            "specs/shop/catalog.yaml": {
                "moved": {"category.travel": "category.journeys"},
                "categories": {"travel": None, "journeys": {}, "bank": {"themes": ["x"]}},
            },
            "specs/shop/offers.yaml": {
                "offers": {"safari": {"category": "journeys", "content": {"title": "Tigers\n“é”"}}, "saver": None},
            },
        }
    )
    made.append(live_shop.apply("ada"))
    live_shop.approve("risk", "shop/offer.gold-card")
    made.append(live_shop.promote("ada"))
    made.append(live_shop.rollback_plan("shop@live", 5))
    live_shop.later(days=100)
    made.append(live_shop.purge("ada"))
    assert [plan.kind for plan in made] == ["apply", "apply", "promote", "rollback", "purge"]
    assert all(plan.steps for plan in made)
    return made


def code_of(content: bytes) -> Code:
    with pytest.raises(Refused) as caught:
        decode(content, "p.json")
    assert len(caught.value.diagnostics) == 1
    return Code(caught.value.diagnostics[0].code)


def crafted(plan: Plan, change: Change) -> bytes:
    """A plan file changed by somebody who knows how to sign it."""
    data = orjson.loads(encode(plan))
    change(data)
    body = canonical(data)
    return b'{"digest":"' + hashlib.sha256(body).hexdigest().encode() + b'","plan":' + body + b"}"


def test_there_and_back(plans: list[Plan]) -> None:
    for plan in plans:
        again = decode(envelope(plan), "p.json")
        assert again == plan
        assert encode(again) == encode(plan)
        assert plan_digest(again) == hashlib.sha256(encode(plan)).hexdigest()


def test_a_file_is_canonical_json_with_its_digest(plans: list[Plan]) -> None:
    outer = orjson.loads(envelope(plans[0]))
    assert outer.keys() == {"digest", "plan"}
    assert outer["digest"] == plan_digest(plans[0])
    assert outer["plan"]["format"] == FORMAT
    assert canonical(outer["plan"]) == encode(plans[0])


def test_a_digest_is_that_of_the_bytes(plans: list[Plan]) -> None:
    content = envelope(plans[1])
    outer = orjson.loads(content)
    again = (
        orjson.dumps(outer, option=orjson.OPT_INDENT_2),
        json.dumps(outer).encode(),
        canonical({"plan": outer["plan"], "digest": outer["digest"]}).replace(b'{"digest":', b'{ "digest":'),
        orjson.dumps({"plan": outer["plan"], "digest": outer["digest"]}),
        orjson.dumps({"digest": outer["digest"], "plan": dict(reversed(outer["plan"].items()))}),
        content.replace(b'"plan":{', b'"plan":{}, "plan":{', 1),
    )
    for changed in again:
        assert orjson.loads(changed) == outer
        assert code_of(changed) == Code.PLAN_EDITED
    for harmless in (content.rstrip(), content.rstrip() + b"\r\n"):
        assert decode(harmless, "p.json") == plans[1]


def test_a_digest_is_computed_once_and_a_copy_has_its_own(plans: list[Plan], monkeypatch: pytest.MonkeyPatch) -> None:
    plan = replace(max(plans, key=lambda one: len(one.steps)))
    encoded: list[Plan] = []
    monkeypatch.setattr("offerkit.plans.plan.encode", lambda one: encoded.append(one) or encode(one))
    digest = plan_digest(plan)
    assert (plan_digest(plan), len(encoded)) == (digest, 1)
    assert plan_digest(replace(plan, notes=("other",))) != digest
    assert decode(envelope(plan), "a plan") == plan and plan_digest(decode(envelope(plan), "a plan")) == digest


@pytest.mark.parametrize(
    ("once", "twice"),
    [
        (b'"steps":[', b'"steps":[],"steps":['),
        (b'"notes":[],"offerkit"', b'"notes":["checked"],"notes":[],"offerkit"'),
        (b'"action":', b'"action":"create","action":'),
        (b'"format":', b'"format": '),
    ],
)
def test_bytes_that_are_not_canonical_are_refused_with_their_own_digest(
    plans: list[Plan], once: bytes, twice: bytes
) -> None:
    data = encode(plans[1])
    assert once in data
    changed = data.replace(once, twice, 1)
    assert orjson.loads(changed) == orjson.loads(data)
    content = b'{"digest":"' + hashlib.sha256(changed).hexdigest().encode() + b'","plan":' + changed + b"}\n"
    assert code_of(content) == Code.PLAN_EDITED


def test_a_plan_that_was_read_keeps_its_bytes_and_a_changed_one_has_its_own(plans: list[Plan]) -> None:
    earlier = (ROUNDTRIP / "plan-1.json").read_bytes()
    read = decode(earlier, "plan-1.json")
    assert (read.format, envelope(read)) == (1, earlier)
    assert plan_digest(read) == orjson.loads(earlier)["digest"]
    again = decode(envelope(plans[0]), "p.json")
    changed = replace(again, notes=("x",))
    assert plan_digest(changed) == plan_digest(replace(plans[0], notes=("x",))) != plan_digest(again)


def test_a_plan_of_format_1_has_no_keys_in_what_is_blocked() -> None:
    plan = decode((ROUNDTRIP / "plan-1.json").read_bytes(), "plan-1.json")

    def blocked(data: dict[str, Any]) -> None:
        row = {"address": plan.steps[0].address, "stage": "recipients@live", "code": "OFR703", "why": "", "keys": []}
        data["blocked"] = [row]

    assert code_of(crafted(plan, blocked)) == Code.PLAN_UNREADABLE


def test_cut_short_at_any_length(plans: list[Plan]) -> None:
    content = envelope(plans[1])
    for length in [*range(1, 40), *range(40, len(content) - 2, 97), len(content) - 2]:
        assert code_of(content[:length]) == Code.PLAN_UNREADABLE


def test_any_changed_byte_shows(plans: list[Plan]) -> None:
    content = envelope(plans[1])
    rng = random.Random(1)
    for _ in range(200):
        place = rng.randrange(len(content) - 1)
        byte = bytes([rng.choice([b for b in b'xX0{}[]",:1' if b != content[place]])])
        changed = content[:place] + byte + content[place + 1 :]
        assert code_of(changed) in (Code.PLAN_UNREADABLE, Code.PLAN_EDITED, Code.PLAN_FORMAT)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"null",
        b"[]",
        b'{"plan":{}}',
        b'{"digest":"x","plan":{"format":"1"}}',
        b"\xff",
        b"[" * 2000,
        b'{"plan":{"format":true}}',
        b'{"plan":{"format":0}}',
    ],
)
def test_what_is_no_plan(content: bytes) -> None:
    assert code_of(content) == Code.PLAN_UNREADABLE


def test_a_newer_format_is_told_before_anything_else(plans: list[Plan]) -> None:
    def newer(data: dict[str, Any]) -> None:
        data["format"] = FORMAT + 1
        data["steps"] = "something new"

    assert code_of(crafted(plans[0], newer)) == Code.PLAN_FORMAT


def _first_step(key: str, value: object) -> Change:
    def change(data: dict[str, Any]) -> None:
        data["steps"][0][key] = value

    return change


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.update(kind="something"),
        lambda d: d.update(steps=None),
        lambda d: d.update(steps=[1]),
        lambda d: d.update(bodies=[]),
        lambda d: d.update(extra=1),
        lambda d: d.pop("kind"),
        lambda d: d.update(base=[{"stage": "nowhere", "revision": 1, "digest": ""}]),
        lambda d: d["steps"].append(d["steps"][0]),
        lambda d: d["bodies"].update({"0" * 64: {"kind": "offer", "text": "{}"}}),
        lambda d: d["bodies"].pop(next(iter(d["bodies"]))),
        lambda d: next(iter(d["bodies"].values())).update(text="{"),
        lambda d: d.update(notes=[[]] * 3),
        _first_step("address", "no address"),
        _first_step("address", 1),
        _first_step("stage", "shop@nowhere"),
        _first_step("stage", "shop@live:12"),
        _first_step("action", "explode"),
        _first_step("moved_from", "x"),
        _first_step("after", {"fingerprint": "x", "activation": None}),
        _first_step("after", {"fingerprint": [], "activation": None}),
        _first_step("source", ["x"]),
        _first_step("dependents", {"x": 1}),
        _first_step("unknown", 1),
    ],
)
def test_a_signed_plan_that_makes_no_sense_is_refused_and_never_a_traceback(plans: list[Plan], change: Change) -> None:
    for plan in plans[:3]:
        assert code_of(crafted(plan, change)) in (Code.PLAN_UNREADABLE, Code.PLAN_EDITED)


def test_values_nested_too_deeply_for_the_encoder_are_refused(plans: list[Plan]) -> None:
    content = envelope(plans[1]).replace(b'"notes":[]', b'"notes":[' + b"[" * 400 + b"]" * 400 + b"]")
    assert code_of(content) in (Code.PLAN_UNREADABLE, Code.PLAN_EDITED)


def test_a_saved_plan_is_written_whole_or_not_at_all(plans: list[Plan], tmp_path: Path) -> None:
    target = save_plan(plans[0], tmp_path / "deep" / "p.json")
    assert load_plan(target) == plans[0]
    named = save_plan(plans[1], tmp_path)
    assert named.name == f"{plan_digest(plans[1])}.json"
    made = save_plan(plans[1], f"{tmp_path}/new/folder/")
    assert made == tmp_path / "new" / "folder" / named.name
    assert load_plan(made) == plans[1]
    with pytest.raises(Refused):
        save_plan(plans[0], f"{target}/")
    assert sorted(p.name for p in tmp_path.iterdir() if p.suffix == ".partial") == []
    with pytest.raises(Refused):
        save_plan(plans[0], target / "below-a-file.json")
    for path in (tmp_path / "none.json", tmp_path):
        with pytest.raises(Refused) as caught:
            load_plan(path)
        assert caught.value.diagnostics[0].code == Code.PLAN_UNREADABLE


def test_two_plans_that_differ_have_two_names(plans: list[Plan]) -> None:
    step = plans[0].steps[0]
    others = [
        replace(plans[0], notes=("x",)),
        replace(plans[0], steps=(replace(step, label="x"), *plans[0].steps[1:])),
        replace(plans[0], steps=plans[0].steps[::-1]),
    ]
    assert len({plan_digest(plan) for plan in (plans[0], *others)}) == 4


@settings(max_examples=12)
@given(model=models(), edited=models(), seeds=st.tuples(st.integers(1, 99), st.integers(1, 99)))
def test_the_same_input_gives_the_same_bytes(
    tmp_path_factory: pytest.TempPathFactory, model: Any, edited: Any, seeds: tuple[int, int]
) -> None:
    folder = tmp_path_factory.mktemp("p")
    workspace = Workspace(folder, files_of(model))
    workspace.apply("ada")
    workspace.approve_all()
    results = set()
    for seed in seeds:
        workspace.files = files_of(edited, seed)
        workspace.change({})
        plan = workspace.plan()
        # Where a resource stands in the files is the one thing that files decide.
        results.add(encode(replace(plan, steps=tuple(replace(step, source=None) for step in plan.steps))))
    assert len(results) == 1


def test_bytes_do_not_depend_on_hash_seed_locale_or_time_zone(live_shop: Workspace) -> None:
    live_shop.change(
        {
            "specs/shop/catalog.yaml": {"categories": {"bank": {"themes": ["z", "b", "a"]}, "new": {}}},
            "specs/shop/offers.yaml": {"offers": {"saver": {"content": {"title": "Å"}}, "safari": None}},
        }
    )
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]);"
        "from pathlib import Path; from offerkit.specs import Project; from offerkit.usecases.session import Session;"
        "from offerkit.usecases.plan import plan; from offerkit.usecases.promote import promote;"
        "from offerkit.usecases.local_backend import LOCAL; from offerkit.plans.make import AddressPatterns;"
        "from offerkit.plans.plan import plan_digest;"
        "from offerkit.store import parse_location;"
        "s = Session(Project(Path(sys.argv[2])), '2026-01-01T00:00:00.000000Z', operator='ada',"
        " store_path=parse_location(sys.argv[3]), backend=LOCAL);"
        "print(plan_digest(plan(s, AddressPatterns())), plan_digest(promote(s, (), AddressPatterns())))"
    )
    outputs = set()
    for seed, zone, locale in (("0", "UTC", "C"), ("1", "Asia/Tokyo", "C.UTF-8"), ("99", "America/Lima", "POSIX")):
        env = {"PYTHONHASHSEED": seed, "TZ": zone, "LC_ALL": locale, "HOME": "/nonexistent"}
        command = [sys.executable, "-c", code, str(TESTS), str(live_shop.root), live_shop.named()]
        outputs.add(subprocess.run(command, capture_output=True, text=True, check=True, env=env).stdout)
    assert len(outputs) == 1
