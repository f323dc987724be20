"""Operators elsewhere: the command line on a store behind a real server, with rights asked there."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from helpers.forked import forks_of_this_process
from helpers.server_process import Server, serving
from helpers.serving import with_people
from helpers.workspace import Workspace

from offerkit.address import parse_address
from offerkit.plans.plan import envelope
from offerkit.store import Store
from offerkit.usecases import tokens

pytestmark = pytest.mark.slow


@dataclass
class Elsewhere:
    """A checkout of the project on another machine, and somebody's token."""

    root: Path
    url: str
    token: str

    def run(self, *args: str, token: str | None = None) -> tuple[int, str]:
        """The exit code, and all that is printed."""
        environ = {
            "PATH": os.environ["PATH"], "HOME": "/nonexistent", "NO_COLOR": "1", "COLUMNS": "160", "LANG": "C.UTF-8",
            "OFFERKIT_STORE": self.url, "OFFERKIT_TOKEN": self.token if token is None else token,
        }  # fmt: skip
        process = forks_of_this_process().start(list(args), self.root, environ)
        said = "".join(process.communicate(timeout=120))
        return process.wait(), said


@pytest.fixture
def live(shop: Workspace) -> Workspace:
    return with_people(shop).go_live()


def url_of(server: Server) -> str:
    return f"http://127.0.0.1:{server.port}"


def token_of(live: Workspace, operator: str, *scopes: str) -> str:
    if live.now.year < 2027:
        live.later(days=300)  # the server's clock is the real one
    return tokens.create(live.session("ada"), operator, "", "366d", scopes or ("all",))[1]


@pytest.fixture
def server(live: Workspace) -> Iterator[Server]:
    with serving(live.root, store=live.named()) as found:
        yield found


@pytest.fixture
def elsewhere(live: Workspace, server: Server, tmp_path_factory: pytest.TempPathFactory) -> Elsewhere:
    return checked_out(live, server, tmp_path_factory)


@pytest.fixture(scope="module")
def unchanged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Elsewhere]:
    """One server for tests that never get to it: they may change the checkout, and nothing else."""
    live = with_people(Workspace(tmp_path_factory.mktemp("live"))).go_live()
    with serving(live.root, store=live.named()) as server:
        yield checked_out(live, server, tmp_path_factory)


def checked_out(live: Workspace, server: Server, places: pytest.TempPathFactory) -> Elsewhere:
    forks_of_this_process()  # before several threads ask for it at once
    root = places.mktemp("elsewhere") / "project"
    shutil.copytree(live.root, root, ignore=shutil.ignore_patterns(".offerkit", "serve.log"))
    return Elsewhere(root, url_of(server), token_of(live, "ada"))


def titled(elsewhere: Elsewhere, title: str, before: str = "Lions") -> None:
    path = elsewhere.root / "specs/shop/offers.yaml"
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, title))


def test_without_the_right_to_read_design(elsewhere: Elsewhere, live: Workspace) -> None:
    """No copy of the history is given; what needs none is done, and nothing is read from another store instead."""
    rights = [{"verb": "stop"}, {"verb": "approve"}, {"verb": "read-contacts"}]
    live.change(
        {
            "specs/shared.yaml": {
                "profiles": {"guard": {"rights": rights}},
                "operators": {"olga": {"profile": "guard", "email": ""}},
            },
            "specs/shop/offers.yaml": {"offers": {"safari": {"content": {"title": "Elephants"}}}},
        }
    )
    live.apply("ada")
    token = token_of(live, "olga")
    (elsewhere.root / ".offerkit").mkdir(exist_ok=True)
    shutil.copy(live.root / ".offerkit/store.db", elsewhere.root / ".offerkit/store.db")
    assert elsewhere.run("stop", "shop/offer.gold-card", "--message", "Wrong", token=token)[0] == 0
    assert not live.active().get(parse_address("shop/offer.gold-card")), "it is stopped"
    code, said = elsewhere.run("approve", "shop/offer.safari", token=token)
    assert (code, "by olga" in said) == (0, True), said
    for done in (["report"], ["propositions", "--format", "jsonl"], ["simulations", "list"]):
        code, said = elsewhere.run(*done, token=token)
        assert code == 0, said
    for kept in (["plan"], ["approvals"], ["history"], ["show", "shop/offer.safari"], ["audit", "verify"], ["stops"]):
        code, said = elsewhere.run(*kept, token=token)
        assert (code, "OFR724" in said, "Elephants" in said) == (1, True, False), said
    code, said = elsewhere.run("--as", "olga", "report", token=token)
    assert (code, "leave out --as" in said) == (1, True), said


def test_from_an_edit_to_live(elsewhere: Elsewhere, live: Workspace) -> None:
    titled(elsewhere, "Elephants")
    code, said = elsewhere.run("plan")
    assert (code, '"Lions" → "Elephants"' in said) == (0, True), said
    assert elsewhere.run("apply", "--yes", "--message", "from afar")[0] == 0
    omar = token_of(live, "omar")
    code, said = elsewhere.run("approve", "shop/offer.safari", token=omar)
    assert (code, "by omar" in said) == (0, True), said
    code, said = elsewhere.run("promote", "--yes")
    assert (code, "Live. Revision" in said) == (0, True), said
    with live.store() as store:
        newest = [(row.action, row.actor, row.message) for row in store.revisions(limit=4)]
        made = ("token-create", "ada", "")
        assert newest == [("promote", "ada", ""), ("approve", "omar", ""), made, ("apply", "ada", "from afar")]
    assert elsewhere.run("audit", "verify")[0] == 0
    assert elsewhere.run("diff", "shop@design", "shop@live")[0] == 0
    assert "from afar" in elsewhere.run("history")[1]


def test_a_promotion_that_is_scheduled_from_afar(elsewhere: Elsewhere, live: Workspace) -> None:
    """The server carries it out; what is listed and shown comes with the history."""
    titled(elsewhere, "Elephants")
    assert elsewhere.run("apply", "--yes")[0] == 0
    assert elsewhere.run("approve", "shop/offer.safari", token=token_of(live, "omar"))[0] == 0

    def scheduled(seconds: int) -> tuple[int, str]:
        due = datetime.now(UTC) + timedelta(seconds=seconds)
        return elsewhere.run("promote", "--at", due.isoformat(), "--yes", "--message", "Monday")

    code, said = scheduled(86_400)
    assert (code, "Scheduled for" in said) == (0, True), said
    code, said = scheduled(15)
    assert (code, "OFR734" in said) == (1, True), said
    code, said = elsewhere.run("scheduled", "list", "--format", "json")
    (later,) = json.loads(said)["scheduled"]
    assert (code, later["by"], later["message"]) == (0, "ada", "Monday")
    assert "Elephants" in elsewhere.run("scheduled", "show", str(later["scheduled"]))[1]
    withdrawing = ("scheduled", "withdraw", str(later["scheduled"]), "--yes", "--message", "No")
    code, said = elsewhere.run(*withdrawing, token=token_of(live, "omar", "read"))
    assert (code, "OFR708" in said) == (1, True), said
    assert elsewhere.run(*withdrawing)[0] == 0
    code, said = elsewhere.run(*withdrawing)
    assert (code, "OFR731" in said) == (1, True), said
    code, said = scheduled(15)
    assert (code, "Scheduled for" in said) == (0, True), said
    end = time.monotonic() + 120
    while '"promoted"' not in (said := elsewhere.run("scheduled", "list", "--all", "--format", "json")[1]):
        assert time.monotonic() < end, said
        time.sleep(0.5)
    assert elsewhere.run("audit", "verify")[0] == 0
    assert live.verified() == []


def test_rights_are_asked_at_the_server(elsewhere: Elsewhere, live: Workspace) -> None:
    titled(elsewhere, "Elephants")
    dora = token_of(live, "dora")
    for args in (("apply", "--yes"), ("approve", "shop/offer.safari"), ("--as", "ada", "apply", "--yes")):
        code, said = elsewhere.run(*args, token=dora)
        assert (code, "OFR701" in said) == (1, True), said
    with live.store() as store:
        last = store.last_serial()
    live.change({"specs/shop/offers.yaml": {"offers": {"safari": {"content": {"title": "Zebras"}}}}})
    forged = envelope(live.plan()).decode()
    from offerkit.diagnostics import Refused
    from offerkit.store.remote import RemoteStore

    with pytest.raises(Refused, match="dora"):  # a client that asks nobody for rights
        RemoteStore(elsewhere.url, dora).post("/api/v1/store/apply", {"plan": forged})
    with live.store() as store:
        assert store.last_serial() == last


def test_a_plan_that_has_become_stale_is_refused(elsewhere: Elsewhere, live: Workspace) -> None:
    titled(elsewhere, "Elephants")
    assert elsewhere.run("plan", "--out", "plan.json")[0] == 0
    live.change({"specs/shop/offers.yaml": {"offers": {"safari": {"content": {"title": "Zebras"}}}}})
    live.apply("ada")
    code, said = elsewhere.run("apply", "plan.json", "--yes")
    assert (code, "OFR505" in said) == (1, True), said


def test_the_scheme_may_be_written_large(elsewhere: Elsewhere) -> None:
    elsewhere.url = elsewhere.url.replace("http", "HTTP")
    assert elsewhere.run("history")[0] == 0


def test_longer_than_servers_let_wait_is_refused(elsewhere: Elsewhere) -> None:
    titled(elsewhere, "Elephants")
    for seconds, says in (("61", "at most 60 seconds"), ("inf", "at most 60 seconds"), ("nan", "not a valid number")):
        code, said = elsewhere.run("apply", "--yes", "--lock-timeout", seconds)
        assert (code, says in said) == (1, True), said
    assert elsewhere.run("apply", "--yes", "--lock-timeout", "60")[0] == 0


def test_a_token_is_for_what_its_scope_says(elsewhere: Elsewhere, live: Workspace) -> None:
    titled(elsewhere, "Another safari")
    read, apply, promote = (token_of(live, "ada", scope) for scope in ("read", "apply", "promote"))
    for args in (("plan",), ("history",), ("promote", "--plan-only"), ("audit", "verify"), ("approvals",)):
        code, said = elsewhere.run(*args, token=read)
        assert code == 0, said
    assert "not the tokens, which stay on the server" in elsewhere.run("audit", "verify", token=read)[1]
    before = elsewhere.run("history", "--count", "1")[1]
    for token, *args in (
        (read, "apply"),
        (promote, "apply"),
        (read, "approve", "shop/offer.safari"),
        (promote, "reject", "*"),
    ):
        code, said = elsewhere.run(*args, token=token)
        assert (code, "error[OFR708]" in said, "--scope" in said) == (1, True, True), said
        assert "no terminal to ask on" not in said, "it is told before anybody is asked"
    assert elsewhere.run("history", "--count", "1")[1] == before
    code, said = elsewhere.run("apply", "--yes", token=apply)
    assert code == 0, said
    live.approve_all()
    for token in (read, apply):
        code, said = elsewhere.run("promote", "--yes", token=token)
        assert (code, "lacks the scope promote" in said) == (1, True), said
    assert elsewhere.run("promote", "--yes", token=promote)[0] == 0
    for args in (("rollback", "shop@live", "--to", "3", "--yes"), ("apply", "--yes", "plan.json")):
        if args[0] == "apply":
            assert elsewhere.run("rollback", "shop@live", "--to", "3", "--out", "plan.json", token=read)[0] == 0
        code, said = elsewhere.run(*args, token=apply)
        assert (code, "lacks the scope promote" in said) == (1, True), said


def test_a_server_whose_history_goes_back_is_noticed(elsewhere: Elsewhere, live: Workspace) -> None:
    """What another machine saw of the store is not undone behind its back."""
    with Store.open(live.location) as store:
        last = store.last_serial()
    assert elsewhere.run("history")[0] == 0
    seen = json.loads((elsewhere.root / ".offerkit/heads.json").read_text())["stores"][elsewhere.url]
    assert seen["serial"] == last
    (elsewhere.root / ".offerkit/heads.json").write_text(
        json.dumps({"version": 1, "stores": {elsewhere.url: {**seen, "serial": last + 1, "digest": "f" * 64}}})
    )
    for args in (("history",), ("apply", "--yes"), ("approve", "shop/offer.safari"), ("audit", "verify")):
        code, said = elsewhere.run(*args)
        assert (code, "error[OFR614]" in said, elsewhere.url in said) == (1, True, True), said
    assert elsewhere.run("--accept-restored", "history")[0] == 0
    assert elsewhere.run("history")[0] == 0


def test_an_audit_through_a_server_needs_no_project(elsewhere: Elsewhere, tmp_path: Path) -> None:
    nowhere = replace(elsewhere, root=tmp_path / "nowhere")
    nowhere.root.mkdir()
    code, said = nowhere.run("audit", "verify")
    assert (code, "The history is sound" in said) == (0, True), said
    assert nowhere.run("audit", "export", "--out", "h.jsonl")[0] == 0
    assert nowhere.run("audit", "verify", "h.jsonl")[1].startswith("The record is sound")
    assert nowhere.run("audit", "show", "h.jsonl")[0] == 0
    assert [path.name for path in nowhere.root.iterdir()] == ["h.jsonl"], "nothing else is left behind"


def test_a_token_that_counts_no_more(elsewhere: Elsewhere, live: Workspace) -> None:
    token = token_of(live, "omar")
    assert elsewhere.run("history", token=token)[0] == 0
    tokens.revoke(live.session("ada"), token.split("_")[1])
    until = time.monotonic() + 20  # five seconds, and some for starting processes on a busy machine
    while elsewhere.run("history", token=token)[0] == 0:
        assert time.monotonic() < until, "a revoked token counted on"
    code, said = elsewhere.run("history", token=token)
    assert (code, "OFR702" in said, token in said) == (1, True, False), said


def test_the_impact_is_counted_at_the_server_and_limited_there(elsewhere: Elsewhere, live: Workspace) -> None:
    live.change({"environments/shop.yaml": {"environment": {"impact": {"max_lost": "0%"}}}})
    live.apply("ada")
    live.promote("ada")
    (elsewhere.root / "people.csv").unlink()  # the contacts are nowhere else
    shutil.copy(live.root / "environments/shop.yaml", elsewhere.root / "environments/shop.yaml")
    for offer in ("safari", "saver", "gold-card"):
        live.change({"specs/shop/offers.yaml": {"offers": {offer: {"eligible": {"when": "person.age >= 40"}}}}})
    shutil.copy(live.root / "specs/shop/offers.yaml", elsewhere.root / "specs/shop/offers.yaml")
    code, said = elsewhere.run("plan", "--impact", "--by", "person.country", "--examples")
    assert (code, "lost by" in said, "by person.country" in said) == (0, True, True), said
    omar = token_of(live, "omar")
    code, said = elsewhere.run("plan", "--impact", token=omar)
    assert (code, "fewer than 5 of fewer than 5 contacts" in said, "lost:" in said) == (0, True, False), said
    for option in (("--examples",), ("--by", "email"), ("--sample", "2")):
        code, said = elsewhere.run("plan", "--impact", *option, token=omar)
        assert (code, "error[OFR757]" in said) == (1, True), said
    assert elsewhere.run("apply", "--yes")[0] == 0
    live.approve_all()
    code, said = elsewhere.run("promote", "--plan-only", "--impact")
    assert (code, "warning[OFR705]" in said, "more than the 0%" in said) == (0, True, True), said
    code, said = elsewhere.run("promote", "--yes")
    assert (code, "error[OFR705]" in said) == (1, True), said
    code, said = elsewhere.run("promote", "--yes", "--override-impact", "the regulator asked for it")
    assert (code, "Live. Revision" in said) == (0, True), said
    assert "Impact overridden" in elsewhere.run("history", "-n", "1")[1]


@pytest.mark.parametrize(
    "args",
    [
        ("propose", "--space", "shop/web"), ("propositions",), ("token", "list"), ("token", "create", "ada"),
        ("store", "status"), ("store", "migrate"), ("serve",), ("simulate", "shop"), ("run-due",),
        ("contact", "export", "1", "--files", "."),
    ],
)  # fmt: skip
def test_what_needs_the_store_itself_says_so(unchanged: Elsewhere, args: tuple[str, ...]) -> None:
    code, said = unchanged.run(*args)
    assert (code, "OFR754" in said) == (1, True), said


def test_of_two_who_apply_at_once_one_is_told_of_the_other(elsewhere: Elsewhere, live: Workspace) -> None:
    copy = elsewhere.root.parent / "other"
    shutil.copytree(elsewhere.root, copy)
    other = replace(elsewhere, root=copy, token=token_of(live, "omar"))
    for number in range(3):
        titled(elsewhere, f"Elephants {number}", f"Elephants {number - 1}" if number else "Lions")
        titled(other, f"Zebras {number}", f"Zebras {number - 1}" if number else "Lions")
        with live.store() as store:
            before = store.last_serial()
        with ThreadPoolExecutor(2) as pool:
            done = [pool.submit(one.run, "apply", "--yes", "--lock-timeout", "20") for one in (elsewhere, other)]
        found = [future.result() for future in done]
        with live.store() as store:
            assert store.last_serial() - before == sum(code == 0 for code, _ in found)
        for code, said in found:
            assert code == 0 or "OFR505" in said, said
        assert any(code == 0 for code, _ in found)


def test_a_server_that_is_killed_has_applied_all_or_nothing(live: Workspace, elsewhere: Elsewhere) -> None:
    for number, pause in enumerate((0.02, 0.06, 0.12, 0.2)):
        with live.store() as store:
            before = store.last_serial()
        with serving(live.root, store=live.named()) as server, ThreadPoolExecutor(1) as pool:
            elsewhere.url = url_of(server)
            titled(elsewhere, f"Elephants {number}", f"Elephants {number - 1}" if number else "Lions")
            running = pool.submit(elsewhere.run, "apply", "--yes")
            time.sleep(pause)
            os.killpg(server.process.pid, signal.SIGKILL)
            code, said = running.result()
        with live.store() as store:
            made = store.last_serial() - before
        assert made in (0, 1) and (code == 0) <= (made == 1), said
        assert code == 0 or "OFR753" in said, said
        assert live.verified() == []
