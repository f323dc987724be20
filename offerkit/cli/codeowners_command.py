"""``offerkit codeowners``."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from offerkit.cli.complete import files
from offerkit.cli.options import pass_shell
from offerkit.cli.shell import Shell


@click.command("codeowners")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE",
    shell_complete=files,
    help="The file to write (default: the repository's CODEOWNERS, else .github/CODEOWNERS).",
)
@click.option("--check", "only_check", is_flag=True, help="Write nothing; exit with 1 unless the file is up to date.")
@click.option(
    "--accounts",
    "forge",
    type=click.Choice(["github", "gitlab"]),
    help="Name reviewers by their current account names on this forge; needs its token.",
)
@pass_shell
def command(shell: Shell, out: Path | None, only_check: bool, forge: str | None) -> None:
    """Write CODEOWNERS from the reviewers that the specs name.

    Forges use this file to request reviews. Each file of the specs lists the reviewers of the offers that it declares
    or that inherit from it, and the reviewers of an environment's settings. Reviewers are named by e-mail address, or
    with --accounts by the operators' accounts. A file that offerkit did not write is not overwritten.
    """
    from offerkit.reports.escape import visible
    from offerkit.usecases.codeowners import check, codeowners, place_of, save

    session = shell.session()
    owners = codeowners(session, _logins(forge) if forge is not None else None)
    target = out or place_of(session.project.root)
    if owners.nameless:
        click.echo(
            f"Left out, without an account or e-mail address: {', '.join(map(visible, owners.nameless))}.", err=True
        )
    if only_check:
        check(owners, target)
        click.echo(shell.style.green(f"{visible(target.name)} is up to date."), color=True)
        return
    save(owners, target)
    shell.done = True
    click.echo(shell.style.green(f"Written to {visible(str(target))}."), color=True)


def _logins(name: str) -> Callable[[Mapping[str, Any]], str]:
    """A function that looks up the login of an operator's account at the forge."""
    from offerkit.forges.named import forge_named

    forge = forge_named(os.environ, tell=lambda text: click.echo(text, err=True), name=name)

    def login(operator: Mapping[str, Any]) -> str:
        account = operator.get("accounts", {}).get(name)
        return forge.login(account) if account is not None else ""

    return login
