"""Deliveries: what is tracked, what a cut-off run leaves, what moves meanwhile, and hooks that take part."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner, Result

from offerkit.cli.main import cli
from offerkit.diagnostics import Code, Refused
from offerkit.governance.rights import Actor
from offerkit.store import Store
from offerkit.times import instant
from offerkit.usecases import deliver as delivering
from offerkit.usecases import delivery_selection
from offerkit.usecases.delivery_folder import DeliveryFolder, UnfinishedRun

PROJECT = Path(__file__).resolve().parents[2] / "scripts" / "projects" / "deciding"
CAMPAIGN = """version: 1
campaigns:
  june:
    outlines: {both: {offers: [loan, card]}}
    deliveries:
      best: {space: mail, engine: {count: 2}, show_nothing_where_missing: true}
      listed: {space: mail, outline: both, show_nothing_where_missing: true}
      first: {space: mail, outline: both, count: 1, show_nothing_where_missing: true}
"""
MAIL = """    fields: [{name: title, required: true}, {name: destination_url}]
    render: {html: '<a _urlType="11" href="https://bank.example/{{ offer.name }}">{{ title }}</a>'}
    storage: {proposed: generated}
"""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Everything live, with tracked links in mails."""
    made = tmp_path / "project"
    shutil.copytree(PROJECT, made)
    monkeypatch.chdir(made)
    spaces = made / "specs/people/spaces.yaml"
    text = spaces.read_text()
    head, mail, rest = text.partition("    channel: email\n")
    spaces.write_text(head + mail + rest.replace("    fields: [{name: title, required: true}]\n", MAIL, 1))
    offerkit("apply", "--yes")
    offerkit("approve", "*/offer.*")
    offerkit("promote", "--yes")
    (made / "specs/people/campaigns.yaml").write_text(CAMPAIGN)
    offerkit("apply", "--yes")
    return made


def offerkit(*args: str, ok: bool = True) -> Result:
    done = CliRunner().invoke(cli, ["--as", "ada", *args])
    if ok and done.exception is not None:
        raise done.exception
    return done


def deliver(name: str, *more: str, ok: bool = True) -> Any:
    return offerkit("deliver", name, "--at", "2026-06-01", *more, ok=ok)


def messages(folder: str) -> list[dict[str, Any]]:
    parts = sorted(Path(folder).glob("messages-*.jsonl"))
    return [json.loads(line) for part in parts for line in part.read_text().splitlines()]


def kept() -> dict[str, str]:
    with Store.open(Path(".offerkit/store.db")) as store:
        return {row.id: row.status.value for row in store.propositions(limit=0)}


def ids(folder: str) -> list[str]:
    return [made["id"] for message in messages(folder) for made in message["propositions"]]


def test_a_link_sets_interested_and_sent_sets_presented(root: Path) -> None:
    deliver("june/best", "--out", "made", "--status-url", "https://offers.example/o")
    first = messages("made")[0]
    made = first["propositions"][0]
    link = f"p={made['id']}&amp;st=2&amp;r=https%3A%2F%2Fbank.example%2F{made['offer']}"
    assert link in first["html"] and "_urlType" not in first["html"]
    assert set(kept().values()) == {"generated"} and sorted(kept()) == sorted(ids("made"))
    offerkit("update", made["id"], "interested")
    offerkit("sent", "june/best")
    statuses = kept()
    assert statuses.pop(made["id"]) == "interested" and set(statuses.values()) == {"presented"}


def test_a_dry_run_has_no_ids_and_tracks_no_link(root: Path) -> None:
    deliver("june/best", "--dry-run", "--out", "tried", "--status-url", "https://offers.example/o")
    assert set(ids("tried")) == {""}
    assert "offers.example" not in messages("tried")[0]["html"]
    assert kept() == {}


def test_a_folder_that_is_somebody_elses_is_not_worked_in(root: Path) -> None:
    mine = root / "made.partial"
    mine.mkdir()
    (mine / "thesis.txt").write_text("mine")
    done = deliver("june/best", "--out", "made", ok=False)
    assert isinstance(done.exception, Refused)
    assert [found.code for found in done.exception.diagnostics] == [Code.TARGET_EXISTS]
    assert [path.name for path in mine.iterdir()] == ["thesis.txt"]
    assert kept() == {}


def test_a_run_that_is_cut_off_goes_on(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(delivering, "_store", _interrupted)
        with pytest.raises(SystemExit):
            deliver("june/best", "--out", "made")
    assert kept() == {} and not Path("made").exists()
    written = ids("made.partial")
    assert "1 parts were kept from an interrupted run" in deliver("june/best", "--out", "made").output
    assert ids("made") == written and sorted(kept()) == sorted(written)
    assert not Path("made.partial").exists()


@pytest.mark.parametrize(
    ("zone", "now", "kept"),
    [
        ("Pacific/Auckland", "2026-06-14T23:00:00.000000Z", True),  # both on the 15th there, on two days in UTC
        ("Pacific/Auckland", "2026-06-15T12:30:00.000000Z", False),  # the 16th there, the same day in UTC
        ("UTC", "2026-06-14T23:59:59.999999Z", True),
        ("UTC", "2026-06-15T00:00:00.000000Z", False),
    ],
)
def test_a_run_keeps_its_date_on_the_same_day_of_the_environment(
    zone: str, now: str, kept: bool, tmp_path: Path
) -> None:
    at = "2026-06-14T13:00:00.000000Z" if zone != "UTC" else "2026-06-14T00:00:00.000000Z"
    place = ("people", "june", "best")
    folder = DeliveryFolder(tmp_path / "made")
    folder.partial.mkdir()
    folder.begin(UnfinishedRun("1", "/".join(place), "inputs", at))
    found = delivering.unfinished_date(folder.target, place, instant(now), ZoneInfo(zone))
    assert found == (instant(at) if kept else None)


@pytest.mark.parametrize(
    "time", ["", "soon", "2026-06-14", "2026-06-14T13:00:00.000000", "2026-99-14T13:00:00.000000Z"]
)
def test_a_run_whose_date_somebody_edited_is_not_gone_on_with(time: str, tmp_path: Path) -> None:
    place = ("people", "june", "best")
    folder = DeliveryFolder(tmp_path / "made")
    folder.partial.mkdir()
    folder.begin(UnfinishedRun("1", "/".join(place), "inputs", time))
    now = instant("2026-06-14T13:00:00.000000Z")
    assert delivering.unfinished_date(folder.target, place, now, ZoneInfo("UTC")) is None


def test_a_run_that_is_cut_off_after_it_was_stored_is_finished(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("offerkit.usecases.delivery_folder.DeliveryFolder.publish", _interrupted)
        with pytest.raises(SystemExit):
            deliver("june/best", "--out", "made")
    stored = kept()
    assert stored and not Path("made").exists()
    assert "its files are complete now" in deliver("june/best", "--out", "made").output
    assert kept() == stored and sorted(ids("made")) == sorted(stored)


def test_a_folder_that_appears_meanwhile_does_not_hide_that_the_delivery_is_made(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = delivering._store

    def stored(*args: Any) -> None:
        store(*args)
        Path("made").mkdir()
        Path("made/mine.txt").write_text("mine")

    with monkeypatch.context() as patch:
        patch.setattr(delivering, "_store", stored)
        done = deliver("june/best", "--out", "made", ok=False)
    assert isinstance(done.exception, Refused)
    (told,) = done.exception.diagnostics
    assert told.code is Code.UNREADABLE and "The delivery is made" in told.detail
    assert kept() and Path("made/mine.txt").read_text() == "mine"
    shutil.rmtree("made")
    assert "its files are complete now" in deliver("june/best", "--out", "made").output
    assert sorted(ids("made")) == sorted(kept())


def test_what_becomes_of_a_run_is_told_as_json(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("offerkit.usecases.delivery_folder.DeliveryFolder.publish", _interrupted)
        with pytest.raises(SystemExit):
            deliver("june/best", "--out", "made")
    finished = json.loads(deliver("june/best", "--out", "made", "--format", "json").stdout)
    assert (finished["delivery"], finished["stored"], finished["folder"]) == ("june/best", len(kept()), "made")
    withdrawn = json.loads(offerkit("deliver", "june/best", "--withdraw", "--format", "json").stdout)
    assert (withdrawn["run"], withdrawn["withdrawn"]) == (finished["run"], finished["stored"])


def test_what_changes_the_messages_begins_anew(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(delivering, "_store", _interrupted)
        with pytest.raises(SystemExit):
            deliver("june/best", "--out", "made")
    written = ids("made.partial")
    deliver("june/best", "--out", "made", "--field", "email")
    assert set(ids("made")).isdisjoint(written)


def test_live_moves_meanwhile(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A campaign is changed while the messages are made: nothing is stored, and the next run begins anew."""
    write = delivering._write

    def slowly(*args: Any) -> None:
        write(*args)
        campaigns = root / "specs/people/campaigns.yaml"
        campaigns.write_text(campaigns.read_text().replace("june:\n", "june:\n    label: June\n"))
        offerkit("apply", "--yes")

    with monkeypatch.context() as patch:
        patch.setattr(delivering, "_write", slowly)
        with pytest.raises(Refused) as caught:
            deliver("june/best", "--out", "made")
    assert [found.code for found in caught.value.diagnostics] == [Code.PLAN_STALE]
    assert kept() == {} and not Path("made").exists()
    deliver("june/best", "--out", "made")
    assert kept()


def test_an_environment_that_is_gone_is_told_by_what_the_delivery_names(root: Path) -> None:
    offerkit("rollback", "people@live", "--to", "2", "--yes")  # campaigns stay as they are
    done = deliver("june/listed", "--dry-run", ok=False)
    assert isinstance(done.exception, Refused)
    assert {found.code for found in done.exception.diagnostics} == {Code.NOT_LIVE}


def test_stopped_meanwhile(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No part that begins after a stop is made, nothing is handed over, and no later run makes it with that offer."""
    message = delivering.MessageWriter.message
    made: list[str] = []

    def slowly(writer: Any, recipient: Any) -> Any:
        made.append(recipient.key)
        if len(made) == 1:
            offerkit("stop", "people/offer.card", "--message", "The price is wrong")
        return message(writer, recipient)

    monkeypatch.setattr(delivery_selection, "CHUNK", 1)
    with monkeypatch.context() as patch:
        patch.setattr(delivering.MessageWriter, "message", slowly)
        with pytest.raises(Refused) as caught:
            deliver("june/listed", "--out", "made")
    assert [found.code for found in caught.value.diagnostics] == [Code.PLAN_STALE]
    assert len(made) == 1 and kept() == {} and not Path("made").exists()
    with pytest.raises(Refused):  # its outline names what is stopped
        deliver("june/listed", "--out", "made")


@pytest.mark.parametrize("name", ["june/best", "june/listed", "june/first"])
def test_one_by_one_is_the_same(root: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """With hooks each contact is decided by itself; without any the answers are those of the batch."""
    deliver(name, "--dry-run", "--out", "batch")
    monkeypatch.setattr(delivery_selection, "uses_hooks", lambda made: True)
    deliver(name, "--dry-run", "--out", "single")
    assert messages("single") == messages("batch")


def outlined(root: Path, outline: str, delivery: str, **catalog: str) -> dict[str, list[str]]:
    """What contacts get of a delivery with an outline, by key; ``catalog``: texts to replace in the specs first."""
    for name, (old, new) in {name: text.split(" => ") for name, text in catalog.items()}.items():
        specs = root / f"specs/people/{name}.yaml"
        assert old in specs.read_text()
        specs.write_text(specs.read_text().replace(old, new, 1))
    if catalog:
        for args in ("apply", "--yes"), ("approve", "*/offer.*"), ("promote", "--yes"):
            offerkit(*args)
    (root / "specs/people/campaigns.yaml").write_text(
        f"version: 1\ncampaigns:\n  july:\n    outlines: {{list: {{offers: {outline}}}}}\n"
        f"    deliveries: {{one: {{space: mail, outline: list, {delivery}}}}}\n"
    )
    offerkit("apply", "--yes")
    shutil.rmtree("tried", ignore_errors=True)
    deliver("july/one", "--dry-run", "--out", "tried")
    return {
        message["contact"]: [made["offer"] for made in sorted(message["propositions"], key=lambda made: made["rank"])]
        for message in messages("tried")
    }


FEWER = "show_nothing_where_missing: true"


def test_an_outline_goes_as_a_whole_in_its_order_and_the_engine_is_not_asked(root: Path) -> None:
    """No condition, date or weight of the offers counts; only who is in the target and the environment."""
    everybody = {"1": ["loan", "private", "card"], "2": ["loan", "private", "card"], "3": ["loan", "private", "card"]}
    assert outlined(root, "[loan, private, card]", "show_nothing_where_missing: false") == everybody
    assert outlined(root, "[loan, private, card]", "target: person.segment = 'private'") == {"3": everybody["3"]}


def test_an_outline_with_a_count_is_the_engines_best_of_it(root: Path) -> None:
    """By weight, not by the outline's order: the card weighs 15, the loan 12, private banking 50; a child gets neither."""
    outline = "[loan, private, card]"
    assert outlined(root, outline, f"count: 1, {FEWER}") == {"1": ["card"], "2": [], "3": ["private"]}
    assert outlined(root, outline, f"count: 2, {FEWER}") == {"1": ["card", "loan"], "2": [], "3": ["private", "card"]}
    assert outlined(root, outline, "count: 3, exclude_recipients_with_too_few_offers: true") == {}


def test_a_count_that_an_outline_never_reaches_is_told(root: Path) -> None:
    (root / "specs/people/july.yaml").write_text(
        "version: 1\ncampaigns:\n  july:\n    outlines: {list: {offers: [loan, card]}}\n    deliveries:\n"
        "      enough: {space: mail, outline: list, count: 2}\n      more: {space: mail, outline: list, count: 3}\n"
        "      some: {space: mail, outline: list, count: 3, show_nothing_where_missing: true}\n"
        "      empty: {space: mail, offers: []}\n"
        "      slots: {slots: [{name: hero, space: mail, cells: []}, {name: next, space: mail, offers: [loan]}]}\n"
    )
    offerkit("apply", "--yes")
    told = {
        name: offerkit("deliver", f"july/{name}", "--dry-run", "--at", "2026-06-01").stderr
        for name in ("enough", "more", "some", "empty", "slots")
    }
    assert Code.SHORT_OUTLINE not in told["enough"]
    said = " ".join(told["more"].split())
    assert "warning[OFR622]: Outline “list” has 2 offers, fewer than the 3 of count: every message is cancelled" in said
    assert "every recipient lacks some" in told["some"]
    assert "OFR622]: The delivery names no offer, so no recipient gets one" in told["empty"]
    assert told["slots"].count(Code.SHORT_OUTLINE) == 1 and "Slot “hero” names no offer" in told["slots"]


def test_offers_outside_of_an_outline_are_not_in_its_slice(root: Path) -> None:
    """The space's default categories and what is always included count for the engine's own choice only."""
    found = outlined(
        root, "[loan]", f"count: 2, {FEWER}",
        spaces="    channel: email => \n    channel: email\n    defaults: {categories: [travel]}",
        catalog="travel: {label: Travel, => travel: {label: Travel, always_include: true,",
    )  # fmt: skip
    assert found == {"1": ["loan"], "2": [], "3": []}


def test_presentation_rules_hold_for_an_outline_with_a_count(root: Path) -> None:
    with Store.open(Path(".offerkit/store.db")) as store:
        assert store.propositions(limit=0) == []
    for _ in range(2):
        offerkit(
            "propose",
            "--space",
            "people/desk",
            "--contact",
            "1|1990-05-01",
            "--at",
            "2026-06-01T11:00",
            "--live-now",
            "-n",
            "3",
        )
    assert outlined(root, "[loan, card]", f"count: 2, {FEWER}")["1"] == ["card"]
    assert outlined(root, "[loan, card]", FEWER)["1"] == ["loan", "card"]


def test_what_is_over_in_an_outline_goes_with_a_warning(root: Path) -> None:
    over = "bank: {label: Bank} => bank: {label: Bank, eligible: {until: 2026-05-01}}"
    outlined(root, "[loan, card]", FEWER, catalog=over)
    shutil.rmtree("tried")
    told = deliver("july/one", "--dry-run").stderr
    assert told.count("OFR405") == 2
    assert "Offer “loan” is outside its dates on 2026-06-01; it is sent anyway, as the delivery says" in told
    assert outlined(root, "[loan, card]", f"count: 2, {FEWER}") == {"1": [], "2": [], "3": []}


def test_what_is_switched_off_is_live_no_more_for_a_campaign_either(root: Path) -> None:
    with pytest.raises(Refused, match="no live campaign has a delivery “july/one”"):
        outlined(root, "[loan, card]", FEWER, catalog="bank: {label: Bank} => bank: {label: Bank, enabled: false}")


@pytest.mark.parametrize("delivery", ["offers: [loan], count: 1", "engine: {}, count: 2", "outline: list, count: 0",
                                      "outline: list, count: 101"])  # fmt: skip
def test_a_count_stands_beside_an_outline(root: Path, delivery: str) -> None:
    campaign = f"version: 1\ncampaigns: {{july: {{outlines: {{list: {{offers: [loan]}}}}, deliveries: {{one: {{space: mail, {delivery}}}}}}}}}\n"
    (root / "specs/people/campaigns.yaml").write_text(campaign)
    with pytest.raises(Refused) as caught:
        offerkit("plan")
    assert [found.code for found in caught.value.diagnostics] == [Code.BAD_VALUE]


def test_everybody_with_a_profile_makes_deliveries_but_only_some_write_campaigns(root: Path) -> None:
    operators = root / "specs/operators.yaml"
    profiles = {"omar": "offer-manager", "dora": "delivery-manager"}
    declared = ", ".join(f"{name}: {{profile: {profile}}}" for name, profile in profiles.items())
    operators.write_text(f"version: 1\noperators: {{{declared}}}\n")
    offerkit("apply", "--yes")
    campaigns = root / "specs/people/campaigns.yaml"
    campaigns.write_text(campaigns.read_text().replace("count: 2", "count: 1"))
    for args in (("plan",), ("deliver", "june/listed", "--at", "2026-06-01"), ("deliver", "june/listed", "--withdraw"),
                 ("deliver", "june/best", "--at", "2026-06-01"), ("sent", "june/best")):  # fmt: skip
        assert CliRunner().invoke(cli, ["--as", "omar", *args]).exception is None, args
    assert set(kept().values()) == {"presented"}
    refused = CliRunner().invoke(cli, ["--as", "omar", "apply", "--yes"]).exception
    assert isinstance(refused, Refused) and refused.diagnostics[0].code is Code.NOT_ALLOWED
    assert CliRunner().invoke(cli, ["--as", "dora", "apply", "--yes"]).exception is None
    unknown = CliRunner().invoke(cli, ["--as", "nobody", "deliver", "june/best", "--dry-run"]).exception
    assert isinstance(unknown, Refused) and unknown.diagnostics[0].code is Code.NO_OPERATOR


def test_another_profile_makes_none() -> None:
    with pytest.raises(Refused):
        delivering.check_may_deliver(Actor("otto", "auditor"), "shop")


def test_what_target_loading_adds_is_rendered(
    root: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path_factory.mktemp("site")
    (site / "paying_hooks.py").write_text(
        "def paying(contact, data):\n    return {'step': 'pay'} if contact['id'] == 1 else {}\n"
    )
    about = site / "paying_hooks-1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: paying-hooks\nVersion: 1\n")
    (about / "entry_points.txt").write_text("[offerkit.hooks]\npaying = paying_hooks:paying\n")
    monkeypatch.syspath_prepend(str(site))
    found = outlined(
        root, "[beach]", f"count: 1, {FEWER}",
        spaces="    channel: email => \n    channel: email\n    hooks: {target_loading: paying}",
    )  # fmt: skip
    assert found == {"1": ["beach"], "2": [], "3": []}
    shutil.rmtree("tried")
    assert "OFR630" not in deliver("july/one", "--dry-run").stderr


def _interrupted(*_: object) -> None:
    raise KeyboardInterrupt
