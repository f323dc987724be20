"""What the shell completes: what a command takes, quickly, and never a mistake on the screen."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from shlex import quote
from typing import Any

import click
import pytest
from click.testing import CliRunner
from helpers.forked import Forked
from helpers.serving import SOURCE, client, with_people
from helpers.workspace import Workspace

from offerkit.cli import complete
from offerkit.cli.main import cli


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine, too, what is asked in this process is answered in full."""
    monkeypatch.setattr(complete, "SECONDS", 60)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(shell: str) -> None:
    result = CliRunner().invoke(cli, ["completion", shell], standalone_mode=False)
    assert result.exception is None
    assert "_OFFERKIT_COMPLETE" in result.stdout


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash here")
def test_bash_completes_stages_as_one_word(tmp_path: Path, forks: Forked) -> None:
    """Bash breaks words at “@”: only what follows it may be handed back."""
    shop = Workspace(tmp_path / "shop")
    forks.install(tmp_path)
    program = tmp_path / "offerkit"
    script = CliRunner().invoke(cli, ["completion", "bash"], standalone_mode=False).stdout
    shop.apply("ada")
    for line, expected in (
        ("export shop@d", "design"),
        ("export shared@d", "design"),
        ("expo", "export"),
        ("approve 'shop/offer.saf", "shop/offer.safari"),  # within quotes nothing begins a new word
        ("export 'shop@d", "shop@design"),
        ('export "shop@d', "shop@design"),
        ('apply --message "two words" --as om', "omar"),
        ("preview 'shop/offer.safari' --space we", "web"),
        ("--as=om", "omar"),
        ("diff shop@design:", "1"),
        ("diff design:", "1"),
        ("diff 'shop@design:", "shop@design:1"),
        ("diff nowhere@design:", ""),
        ("$(touch there) `touch there` expo", "export"),
    ):
        begun = f"COMP_LINE={quote(f'offerkit {line}')} COMP_POINT={len(f'offerkit {line}')}"
        asked = f"{script}\n{begun}\n_offerkit_completion '{program}'\necho ${{COMPREPLY[@]}}"
        for _ in range(5):  # what a busy machine does not know in time is asked again
            done = subprocess.run(["bash", "-c", asked], cwd=shop.root, capture_output=True, text=True, check=True)
            if done.stdout.strip() or not expected:
                break
        assert (done.stdout.strip(), done.stderr) == (expected, ""), line
    assert not (shop.root / "there").exists()


def test_completion_of_names(tmp_path: Path) -> None:
    from helpers.workspace import Workspace

    shop = Workspace(tmp_path / "shop")
    context = click.Context(cli, **cli.context_settings)
    context.params = {"project": str(shop.root)}
    parameter = click.Argument(["x"])

    def names(function: Any, begun: str = "") -> list[str]:
        found: list[str] = function(context, parameter, begun)
        return found

    assert names(complete.addresses, "shop/offer.s") == ["shop/offer.safari", "shop/offer.saver"]
    assert "shop/offer.*" in names(complete.addresses)
    assert names(complete.environments) == ["shop"]
    assert names(complete.spaces) == ["mail", "web"]
    assert names(complete.operators, "o") == ["olga", "omar"]
    assert names(complete.stages) == ["design", "live"]
    shop.apply("ada")
    assert names(complete.stages, "shop@") == ["shop@design"]
    shop.change({"specs/shop/offers.yaml": "\tbroken"})
    assert names(complete.addresses, "shop/offer.s") == ["shop/offer.safari", "shop/offer.saver"]
    context.params = {"project": "/nowhere"}
    assert names(complete.addresses) == names(complete.operators) == names(complete.stages) == []


def every() -> Iterator[tuple[str, click.Parameter]]:
    """Every parameter of every command, with the command's name."""

    def below(name: str, command: click.Command) -> Iterator[tuple[str, click.Parameter]]:
        yield from ((name, parameter) for parameter in command.params)
        if isinstance(command, click.Group):
            context = click.Context(command, **cli.context_settings)
            for inner in command.list_commands(context):
                found = command.get_command(context, inner)
                assert found is not None
                yield from below(f"{name} {inner}".strip(), found)

    yield from below("", cli)


NOT_COMPLETED = {
    "free text": {
        "message",
        "comment",
        "seed",
        "part",
        "override_impact",
        "name",
        "reason",
        "expect",
        "allow_different",
        "save",
    },
    "a time": {"at", "live_at", "not_after", "since", "until", "expires"},
    "a number": {"count", "limit", "port", "workers", "grace", "lock_timeout", "sample", "every", "impact_n", "number"},
    "an address of the network": {"artifact", "forge_url", "url", "public_url", "status_url", "host", "proxies"},
    "known only elsewhere": {
        "repository",
        "head",
        "base",
        "cookie",
        "session",
        "key",
        "contact",
        "proposition",
        "table",
    },
    "an expression": {"expression", "old", "new", "population", "only"},
    "a new name": {"environment"},
    "elsewhere": {"places"},
}
"""Why a parameter is not completed; those of commands where it is are checked by what they complete."""
COMPLETED = {
    "": {"operator", "store"},
    "apply": {"what", "exclude", "authors", "sign"},
    "approvals": {"patterns"},
    "approve": {"patterns", "categories", "spaces", "sign"},
    "audit anchor": {"sign"},
    "audit show": {"file"},
    "audit verify": {"file"},
    "codeowners": {"out"},
    "contact erase": {"names"},
    "contact export": {"names"},
    "contact-key": {"environment"},
    "deliver": {"name", "contacts", "data", "data_from", "fields"},
    "diff": {"a", "b", "targets", "exclude", "by", "contacts"},
    "eval": {"contact", "data", "environment", "offer"},
    "export": {"stage"},
    "graph": {"focus"},
    "history": {"what", "by", "offers"},
    "import": {"names"},
    "init": {"environment", "templates", "install"},
    "lint": {"state"},
    "override": {"patterns", "sign"},
    "plan": {"targets", "exclude", "by"},
    "preview": {"offer", "on", "contact", "example", "data"},
    "promote": {"what", "exclude", "by", "sign"},
    "propose": {"spaces", "categories", "anonymous", "themes", "data"},
    "propositions": {"offer", "space", "environment", "status"},
    "prove": {"a", "b", "targets", "environment", "exclude"},
    "purge": {"environments", "sign"},
    "reject": {"patterns", "categories", "spaces", "sign"},
    "report": {"by", "environment", "names", "only", "paths"},
    "resume": {"patterns", "sign"},
    "rights": {"name"},
    "rollback": {"stage", "what", "to", "undo", "by", "sign"},
    "sent": {"name"},
    "scheduled list": {"environment"},
    "scheduled show": {"serial"},
    "scheduled withdraw": {"serial"},
    "simulate": {"environment", "names", "categories", "themes", "axes", "contacts", "data"},
    "simulations compare": {"before", "after"},
    "simulations list": {"environment"},
    "simulations remove": {"names"},
    "show": {"what", "at"},
    "simulations show": {"name"},
    "snippet": {"place"},
    "stop": {"patterns", "sign"},
    "store copy": {"source", "target"},
    "store backup": {"target"},
    "store restore": {"source"},
    "store purge": {"names"},
    "token create": {"whose"},
    "token revoke": {"id_"},
    "update": {"status", "data", "environment"},
    "webhooks retry": {"ids"},
    "weights": {"patterns"},
}


def completes(parameter: click.Parameter) -> bool:
    if parameter._custom_shell_complete is not None:
        return True
    flag = isinstance(parameter, click.Option) and (parameter.is_flag or parameter.count)
    return flag or isinstance(parameter.type, click.Choice | click.Path)


def test_every_parameter_is_completed_or_has_a_reason() -> None:
    listed = {name for names in NOT_COMPLETED.values() for name in names}
    found: dict[str, set[str]] = {}
    for command, parameter in every():
        name = str(parameter.name)
        if isinstance(parameter, click.Option) and parameter.hidden:  # the global ones, once more
            continue
        if parameter._custom_shell_complete is not None:
            found.setdefault(command, set()).add(name)
        elif not completes(parameter):
            assert name in listed or (command, name) == ("", "project"), (command, name)
    assert found == COMPLETED


def asked(shop: Workspace, *words: str) -> list[str]:
    """What bash is told for the last of ``words``."""
    from click.shell_completion import ShellComplete

    completing = ShellComplete(cli, {}, "offerkit", "_OFFERKIT_COMPLETE")
    found = completing.get_completions(["-C", str(shop.root), *words[:-1]], words[-1])
    return [item.value if item.type == "plain" else f"<{item.type}>" for item in found]


def test_commands_are_offered_what_they_take(tmp_path: Path) -> None:
    shop = Workspace(tmp_path / "shop")
    shop.change({"specs/shared.yaml": {"dimensions": {"person": SOURCE}}})
    shop.go_live()
    assert asked(shop, "rollback", "") == ["shared@design", "shared@live", "shop@design", "shop@live"]
    assert asked(shop, "rollback", "live") == []
    assert asked(shop, "export", "l") == ["live"]
    assert asked(shop, "diff", "s") == ["shared@design", "shared@live", "shop@design", "shop@live", "specs"]
    serials = asked(shop, "rollback", "shop@live", "--to", "")
    assert asked(shop, "rollback", "nowhere@live", "--to", "") == []
    shop.change({"specs/shop/offers.yaml": {"offers": {"gold-card": {"label": "Gold"}}}})
    shop.apply("ada")
    assert asked(shop, "rollback", "shop@live", "--to", "") == serials
    newest = [int(one) for one in asked(shop, "rollback", "shop@design", "--to", "")]
    assert newest == sorted(newest, reverse=True) and newest
    assert asked(shop, "snippet", "") == ["shop/web"]
    assert asked(shop, "propose", "--space", "shop/") == ["shop/web"]
    assert asked(shop, "propose", "--explain", "--space", "shop/") == ["shop/mail", "shop/web"]
    assert asked(shop, "preview", "shop/offer.g", "") == []
    assert asked(shop, "preview", "shop/offer.g") == ["shop/offer.gold-card"]
    assert asked(shop, "approve", "shop/offer.*") == ["shop/offer.*"]
    assert "bank" in asked(shop, "approve", "--category", "") == asked(shop, "simulate", "shop", "--category", "")
    assert "person.country" in asked(shop, "plan", "--by", "")
    assert set(asked(shop, "plan", "--by", "")) < set(asked(shop, "simulate", "shop", "--by", ""))
    assert "offer.theme" in asked(shop, "simulate", "shop", "--by", "")
    assert asked(shop, "report", "--by", "d") == ["date", "delivery"]
    assert asked(shop, "simulations", "show", "") == asked(shop, "webhooks", "retry", "") == []
    assert "email=" in asked(shop, "preview", "shop/offer.gold-card", "--contact", "")
    assert asked(shop, "update", "x", "") == ["presented", "interested", "accepted", "scheduled", "rejected"]
    assert asked(shop, "update", "x", "acc") == ["accepted"]
    assert asked(shop, "apply", "plans/x.json") == ["<file>"]
    assert asked(shop, "--store", "x") == ["<file>"]
    assert asked(shop, "import", str(shop.root), "--environment", "") == ["shop"]


def test_a_proposition_is_offered_what_it_may_become(tmp_path: Path) -> None:
    shop = with_people(Workspace(tmp_path / "shop")).go_live()
    with client(shop) as asking:
        answer = asking.post("/api/v1/propose", json={"spaces": ["shop/web"], "contact": "ann@example.com"}).json()
        made = answer["spaces"][0]["propositions"][0]["id"]
    assert asked(shop, "update", made, "") == ["interested", "accepted", "rejected"]
    result = CliRunner().invoke(cli, ["-C", str(shop.root), "update", made, "rejected"], standalone_mode=False)
    assert result.exception is None
    assert asked(shop, "update", made, "") == []


def test_without_a_project_and_with_a_broken_one_nothing_is_said(tmp_path: Path, forks: Forked) -> None:
    environ = {"_OFFERKIT_COMPLETE": "bash_complete", "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    (tmp_path / "specs").mkdir()
    (tmp_path / "environments").mkdir()
    broken = tmp_path / "specs" / "a.yaml"
    for content in (None, b"\tnot: yaml", b"\xff"):
        if content is not None:
            broken.write_bytes(content)
        for words in (
            "plan x",
            "rollback x",
            "propose --space x",
            "simulate x --by y",
            "snippet x",
            "token revoke x",
            "nothing x",
            "import x --environment x",
        ):
            asking = {**environ, "COMP_WORDS": f"offerkit {words}", "COMP_CWORD": str(len(words.split()))}
            out, err = forks.start([], tmp_path, asking).communicate()
            assert (out.strip(), err) == ("", ""), (words, content)


def test_who_waits_too_long_gets_what_the_store_knows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = Workspace(tmp_path / "shop")
    shop.apply("ada")

    def never(*_: object, **__: object) -> None:
        time.sleep(60)

    monkeypatch.setattr("offerkit.usecases.session.load", never)
    for seconds in (0.3, 5):  # on a busy machine the store is not always read in the first
        monkeypatch.setattr(complete, "SECONDS", seconds)
        if found := asked(shop, "plan", "shop/offer.s"):
            break
    assert found == ["shop/offer.safari", "shop/offer.saver"]
    monkeypatch.setattr(complete, "SECONDS", 0.3)
    assert asked(shop, "simulate", "shop", "--by", "") == []
    monkeypatch.setattr("offerkit.usecases.session.Session.reading", never)
    assert asked(shop, "plan", "shop/offer.s") == []
    assert asked(shop, "rollback", "") == []
