"""Deliveries with slots: an offer once in a message, the body, options of each slot, and what is stored."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from offerkit.batch import decide
from offerkit.cli.main import cli
from offerkit.diagnostics import Code, Refused
from offerkit.store import Store
from offerkit.usecases import deliver as delivering
from offerkit.usecases import delivery_selection

PROJECT = Path(__file__).resolve().parents[2] / "scripts" / "projects" / "deciding"
TILE = """  tile:
    label: Tile
    channel: email
    fields: [{name: title, required: true}]
    render: {html: '<td>{{ title }}</td>', text: '* {{ title }}'}
    storage: {proposed: generated}
"""
SLOTS = """
        slots:
          - {name: hero, space: mail, engine: {count: 1, categories: [bank]}, HERO}
          - {name: tiles, space: tile, engine: {count: 3}, show_nothing_where_missing: true}
        body:
          html: '<h1 title="{{ person.email }}">{{ person.email }}</h1>{{ slots.hero }}<table>{{ slots.tiles }}</table>'
          text: "{{ person.email }}\\n{{ slots.hero }}\\n--\\n{{ slots.tiles }}"
"""
HERO = "show_nothing_where_missing: true"
SECRET = "<script>'&"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Everything live, on two spaces of one channel."""
    made = tmp_path / "project"
    shutil.copytree(PROJECT, made)
    monkeypatch.chdir(made)
    spaces = made / "specs/people/spaces.yaml"
    spaces.write_text(spaces.read_text() + TILE)
    (made / "data/people.csv").write_text((made / "data/people.csv").read_text() + f"9,{SECRET},1990-01-01,DE,mass,1\n")
    offerkit("apply", "--yes")
    offerkit("approve", "*/offer.*")
    offerkit("promote", "--yes")
    return made


def offerkit(*args: str, ok: bool = True) -> Result:
    done = CliRunner().invoke(cli, ["--as", "ada", *args])
    if ok and done.exception is not None:
        raise done.exception
    return done


def campaign(root: Path, delivery: str, outlines: str = "{}") -> None:
    """Make live a campaign with one delivery."""
    text = f"version: 1\ncampaigns:\n  june:\n    outlines: {outlines}\n    deliveries:\n      it:\n{delivery}"
    (root / "specs/people/campaigns.yaml").write_text(text)
    offerkit("apply", "--yes")


def slots(hero: str = HERO) -> str:
    return SLOTS.replace("HERO", hero)


def deliver(*more: str, ok: bool = True) -> Any:
    return offerkit("deliver", "june/it", "--at", "2026-06-01", *more, ok=ok)


def messages(folder: str = "made") -> dict[str, Any]:
    parts = sorted(Path(folder).glob("messages-*.jsonl"))
    return {line["contact"]: line for part in parts for line in map(json.loads, part.read_text().splitlines())}


def kept() -> list[tuple[str, str, str, int, str]]:
    with Store.open(Path(".offerkit/store.db")) as store:
        rows = store.propositions(limit=0)
        return sorted((row.contact, row.space, row.offer, row.rank, row.status.value) for row in rows)


def refused(done: Result) -> list[Code]:
    assert isinstance(done.exception, Refused), done.output
    return [found.code for found in done.exception.diagnostics]


def test_an_offer_is_in_a_message_once_over_all_slots(root: Path) -> None:
    campaign(root, slots())
    deliver("--out", "made")
    sent = messages()
    assert {one["slot"] for one in sent["1"]["propositions"]} == {"hero", "tiles"}
    for message in sent.values():
        offers = [one["offer"] for one in message["propositions"]]
        assert len(offers) == len(set(offers))
    assert [(one["slot"], one["space"], one["offer"], one["rank"]) for one in sent["1"]["propositions"]] == [
        ("hero", "mail", "card", 1),
        ("tiles", "tile", "loan", 1),
    ]


def test_the_body_escapes_values_and_puts_slots_in_as_they_are(root: Path) -> None:
    campaign(root, slots())
    deliver("--out", "made")
    message = messages()["9"]
    escaped = "&lt;script&gt;&#39;&amp;"
    assert message["html"].startswith(f'<h1 title="{escaped}">{escaped}</h1><article class="offer">')
    assert message["html"].endswith("<table><td>A loan for you</td></table>")
    assert message["text"] == f"{SECRET}\nGold, mass\n--\n* A loan for you"


def test_each_proposition_is_stored_on_its_space_and_sent_and_withdrawn_with_the_others(root: Path) -> None:
    campaign(root, slots())
    deliver("--out", "made")
    stored = kept()
    assert stored == sorted(
        (key, one["space"], one["offer"], one["rank"], {"mail": "presented", "tile": "generated"}[one["space"]])
        for key, message in messages().items()
        for one in message["propositions"]
    )
    assert {row[1] for row in stored} == {"mail", "tile"}
    assert f"withdrawn, with {len(stored)} propositions" in deliver("--withdraw").output
    assert kept() == []
    deliver("--out", "again")
    tiles = sum(row[1] == "tile" for row in stored)
    assert f"{tiles} of {len(stored)} propositions became presented" in offerkit("sent", "june/it").output
    assert {row[4] for row in kept()} == {"presented"}


@pytest.mark.parametrize(
    ("option", "reason"),
    [
        ("exclude_recipients_with_too_few_offers: true", "too few offers: excluded, in slot hero"),
        ("label: Hero", "an offer is missing: message cancelled, in slot hero"),
    ],
)
def test_each_slot_says_what_becomes_of_a_message_that_lacks_an_offer(root: Path, option: str, reason: str) -> None:
    campaign(root, slots(option))
    told = json.loads(deliver("--out", "made", "--format", "json").stdout)
    assert "2" not in messages() and told["set_aside"][reason] == 1
    assert f'2,"{reason}"' in Path("made/set-aside.csv").read_text()


def test_a_format_without_a_template_has_the_slots_one_after_another(root: Path) -> None:
    campaign(root, slots().partition("          text:")[0])
    deliver("--out", "made")
    assert messages()["1"]["text"] == "Gold, mass\n\n* A loan for you"
    assert messages()["2"]["text"] == ""


def test_slots_on_one_space_share_its_ranks(root: Path) -> None:
    campaign(
        root,
        "        slots:\n"
        "          - {name: a, space: mail, offers: [loan], show_nothing_where_missing: true}\n"
        "          - {name: b, space: mail, offers: [loan, card], show_nothing_where_missing: true}\n",
    )
    deliver("--out", "made")
    assert [(one["slot"], one["offer"], one["rank"]) for one in messages()["1"]["propositions"]] == [
        ("a", "loan", 1),
        ("b", "card", 2),
    ]


def test_what_an_earlier_slot_could_not_show_is_free_for_the_next(root: Path) -> None:
    """As in a call for several spaces: only what is shown counts."""
    campaign(
        root,
        "        slots:\n"
        "          - {name: a, space: mail, offers: [beach], show_nothing_where_missing: true}\n"
        "          - {name: b, space: tile, offers: [beach, loan], show_nothing_where_missing: true}\n",
    )
    deliver("--out", "made", "--data", "step=pay")
    assert [one["slot"] for one in messages()["1"]["propositions"]] == ["a", "b"]
    shutil.rmtree("made")
    deliver("--withdraw")
    said = deliver("--out", "made").output  # beach has no title without a step
    assert [(one["slot"], one["offer"]) for one in messages()["1"]["propositions"]] == [("b", "loan")]
    assert ": title: a required field is empty\n" in said and "such as" not in said
    noted = json.loads(Path("made/delivery.json").read_text())["not_rendered"]["beach"]
    assert noted["contacts"] and noted["example"] == "1: title: a required field is empty"


def test_one_by_one_is_the_same(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    campaign(root, slots())
    deliver("--dry-run", "--out", "bulk")
    monkeypatch.setattr(delivery_selection, "uses_hooks", lambda program: True)
    deliver("--dry-run", "--out", "single")
    assert messages("bulk") == messages("single") != {}


@pytest.mark.parametrize("one_by_one", [False, True], ids=["at once", "one by one"])
@pytest.mark.parametrize("how", ["engine: {count: 1}", "offers: [card]", "cells: [{when: 'true', offer: card}]"])
def test_each_slot_reads_its_own_space(root: Path, how: str, one_by_one: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """In texts and stored data, however its offers are chosen; the body is on no space."""
    if one_by_one:
        monkeypatch.setattr(delivery_selection, "uses_hooks", lambda program: True)
    offers, spaces = root / "specs/people/offers.yaml", root / "specs/people/spaces.yaml"
    facts = "{{ interaction.space }}/{{ interaction.channel }}/{{ interaction.identification }}"
    offers.write_text(offers.read_text().replace("Gold, {{ person.segment }}", facts))
    stored = "proposed_data: {at: interaction.space, how: interaction.identification}"
    spaces.write_text(spaces.read_text().replace("proposed: generated", f"proposed: generated, {stored}"))
    offerkit("apply", "--yes")
    offerkit("approve", "*/offer.*")
    offerkit("promote", "--yes")
    body = "{text: 'in {{ interaction.environment }} on {{ interaction.space }}: {{ slots.one }}'}"
    slots = f"[{{name: one, space: tile, {how}}}, {{name: two, space: mail, offers: [loan]}}]"
    campaign(root, f"        slots: {slots}\n        body: {body}\n")
    deliver("--out", "made")
    message = messages()["1"]
    assert message["text"] == "in people on : * tile/email/batch"
    assert message["propositions"][0]["data"] == {"at": "tile", "how": "batch"}


def test_in_several_parts_it_is_the_same(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    campaign(root, slots())
    deliver("--dry-run", "--out", "whole")
    monkeypatch.setattr(decide, "CHUNK", 2)
    monkeypatch.setattr(delivery_selection, "CHUNK", 2)
    deliver("--dry-run", "--out", "parts")
    assert len(list(Path("parts").glob("messages-*.jsonl"))) == 3
    assert messages("parts") == messages("whole")


def test_the_same_offers_as_a_call_for_all_spaces(root: Path) -> None:
    """Unitary and batch: a call that previews both spaces explains what the delivery gives."""
    campaign(root, slots().replace(", categories: [bank]", ""))
    deliver("--dry-run", "--out", "made", "--data", "step=pay")
    for key, message in messages().items():
        args = (
            "--space",
            "people/mail",
            "--space",
            "people/tile",
            "-c",
            key,
            "--explain",
            "--at",
            "2026-06-01",
            "--live-now",
        )
        told = json.loads(offerkit("propose", *args, "-n", "1", "-d", "step=pay", "--format", "json").stdout)
        first, second = ([one["offer"] for one in space["propositions"]] for space in told["spaces"])
        by_slot: dict[str, list[str]] = {"hero": [], "tiles": []}
        for one in message["propositions"]:
            by_slot[one["slot"]].append(one["offer"])
        assert by_slot["hero"] == first and by_slot["tiles"][:1] == second
    assert kept() == []


def test_a_run_that_is_cut_off_goes_on_with_the_same_bytes(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    campaign(root, slots())
    with monkeypatch.context() as patch:
        patch.setattr(delivering, "_store", _interrupted)
        with pytest.raises(SystemExit):
            deliver("--out", "made")
    assert kept() == []
    written = {path.name: path.read_bytes() for path in Path("made.partial").glob("messages-*")}
    deliver("--out", "made")
    assert {path.name: path.read_bytes() for path in Path("made").glob("messages-*")} == written
    assert Counter(row[0] for row in kept()) == Counter(
        key for key, message in messages().items() for _ in message["propositions"]
    )


def test_a_slot_whose_offer_left_its_space_stops_the_delivery(root: Path) -> None:
    campaign(
        root,
        "        slots:\n"
        "          - {name: a, space: mail, offers: [loan]}\n"
        "          - {name: b, space: tile, offers: [card]}\n",
    )
    offerkit("stop", "people/offer.card", "--reason", "wrong")
    done = deliver("--out", "made", ok=False)
    assert refused(done) == [Code.NOT_LIVE]
    assert kept() == [] and not Path("made").exists()


def test_a_body_that_fails_for_a_contact_cancels_its_message(root: Path) -> None:
    body = "{{ 10 / (person.income - 1) }} {{ slots.hero }}"
    campaign(
        root,
        "        slots: [{name: hero, space: mail, engine: {count: 1}, show_nothing_where_missing: true}]\n"
        f"        body: {{text: '{body}', html: '{{{{ slots.hero }}}}'}}\n",
    )
    told = json.loads(deliver("--out", "made", "--format", "json").stdout)
    reason = "the body cannot be rendered: message cancelled"
    assert told["set_aside"][reason] >= 1 and "9" not in messages()


def test_an_outlines_typology_is_added_to_that_of_the_environment(root: Path) -> None:
    """The rule of the outline allows the card once a day; that of the environment is about the loan."""
    rules = root / "specs/people/catalog.yaml"
    text = rules.read_text()
    text = text.replace(
        "typologies:\n",
        "  once:\n    applies_to: {offers: [card]}\n    counted: {of: offer}\n    period: {before: 1d}\n    max: 1\n"
        "typologies:\n  sparing: {rules: [once]}\n",
    )
    rules.write_text(text)
    offerkit("apply", "--yes")
    outlines = "{plain: {offers: [loan, card]}, capped: {offers: [loan, card], typology: sparing}}"
    rest = "        space: mail\n        count: 2\n        show_nothing_where_missing: true\n        outline: "
    held = campaign_held(root, rest + "capped\n", outlines)
    assert "names typology “sparing”, which is not live" in held
    offerkit("promote", "--yes")
    campaign(root, rest + "plain\n", outlines)
    deliver("--out", "first")
    deliver("--withdraw")
    offerkit(
        "propose",
        "--space",
        "people/home",
        "-c",
        "ana@example.com",
        "-n",
        "3",
        "--at",
        "2026-06-01T06:00",
        "--live-now",
    )
    deliver("--dry-run", "--out", "plain")
    campaign(root, rest + "capped\n", outlines)
    deliver("--dry-run", "--out", "capped")
    offers = {name: [one["offer"] for one in messages(name)["1"]["propositions"]] for name in ("plain", "capped")}
    assert offers == {"plain": ["card", "loan"], "capped": ["loan"]}


def campaign_held(root: Path, delivery: str, outlines: str) -> str:
    text = f"version: 1\ncampaigns:\n  june:\n    outlines: {outlines}\n    deliveries:\n      it:\n{delivery}"
    (root / "specs/people/campaigns.yaml").write_text(text)
    return offerkit("apply", "--yes", ok=False).output


def _interrupted(*_: object) -> None:
    raise SystemExit(1)


def test_a_promotion_that_takes_a_name_from_a_body_says_so(root: Path) -> None:
    """The body of a live campaign stays as it is when its environment loses call data."""
    campaign(
        root,
        "        data: [basket]\n"
        "        slots: [{name: hero, space: mail, engine: {count: 1}}]\n"
        "        body: {text: '{{ interaction.basket }} {{ slots.hero }}'}\n",
    )
    (root / "specs/people/campaigns.yaml").unlink()
    offers = root / "specs/people/offers.yaml"
    offers.write_text(offers.read_text().replace("interaction.basket >= 500", "person.income >= 500"))
    environment = root / "environments/people.yaml"
    environment.write_text(environment.read_text().replace("    basket: {type: decimal, sample: 10}\n", ""))
    for case in (root / "cases").glob("*.yaml"):
        case.unlink()
    offerkit("apply", "--yes", "environment.people", "people/offer.*")
    offerkit("approve", "*/offer.*")
    told = offerkit("promote", "--yes", ok=False)
    said = f"{told.output}{told.exception}"
    assert "june › deliveries.it.body.text names “interaction.basket”" in said, said
    assert "june › deliveries.it.data names “basket”" in said


def test_a_preview_knows_contacts_as_a_delivery_does(root: Path) -> None:
    """By the key of their source, whatever the space says of calls: not by its keys, a cookie, or its fallback."""
    spaces = root / "specs/people/spaces.yaml"
    identified = "    label: Newsletter\n    identification: {keys: [email], implicit: true, fallback: guests/banner}"
    spaces.write_text(spaces.read_text().replace("    label: Newsletter", identified))
    offerkit("apply", "--yes")
    offerkit("promote", "--yes")
    preview = ("propose", "--space", "people/mail", "--explain", "--contact")
    found = offerkit(*preview, "1")
    assert "people/mail: 1 offer" in found.stdout
    for unknown in (("999999",), ("999999", "--cookie", "g-1")):
        found = offerkit(*preview, *unknown)
        assert "people/mail: nothing" in found.stdout
        assert "No contact was identified, so nothing is proposed" in found.stderr
    assert refused(offerkit(*preview, "ana@example.com", ok=False)) == [Code.CONTACT_KEY]
