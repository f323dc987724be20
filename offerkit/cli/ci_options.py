"""The options that the commands of ``offerkit ci`` share."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from offerkit.cli.options import WholeNumber
from offerkit.cli.shell import Shell

if TYPE_CHECKING:
    from offerkit.forges.forge import Forge
    from offerkit.usecases.authorship import ForgeConfirmation
    from offerkit.usecases.ci_bundle import Opened, PullRequestRef
    from offerkit.usecases.session import Session

F = TypeVar("F", bound=Callable[..., Any])

given_bundle_option = click.option(
    "--bundle",
    "path",
    required=True,
    type=click.Path(path_type=Path),
    metavar="DIR|ZIP",
    help="The bundle that “ci plan” wrote for the pull request.",
)
bundle_option = click.option(
    "--bundle",
    "path",
    type=click.Path(path_type=Path),
    metavar="DIR|ZIP",
    help=("The bundle that “ci plan” wrote for the pull request in a trusted run (default: the forge's artifact)."),
)


def subject_options(function: F) -> F:
    """``--pull-request``, ``--head`` and ``--base`` as the one argument ``subject``."""

    @wraps(function)
    def command(*args: Any, number: int | None, head: str, base: str, **others: Any) -> Any:
        from offerkit.usecases.ci_bundle import PullRequestRef

        return function(*args, subject=PullRequestRef(number or 0, head, base), **others)

    made: Any = command
    for option in reversed(_SUBJECT):
        made = option(made)
    return made  # type: ignore[no-any-return]


_SUBJECT = (
    click.option(
        "--pull-request",
        "number",
        type=WholeNumber(1),
        envvar="OFFERKIT_PULL_REQUEST",
        metavar="NUMBER",
        help="The pull request's number (default: the CI's).",
    ),
    click.option(
        "--head",
        default="",
        metavar="COMMIT",
        help=(
            "The last commit of the pull request itself (default: the checked-out commit, or the one merged into it)."
        ),
    ),
    click.option(
        "--base",
        default="",
        metavar="BRANCH",
        help="The target branch, to compare with if there is no store (default: the CI's).",
    ),
)


def forge_options(function: F) -> F:
    """The forge named by the options or the CI's variables, as the argument ``forge``; reports waits on stderr."""

    @wraps(function)
    def command(*args: Any, forge: str | None, forge_url: str | None, repository: str | None, **others: Any) -> Any:
        from offerkit.forges.named import forge_named

        def tell(text: str) -> None:
            click.echo(text, err=True)

        named = forge_named(os.environ, tell=tell, name=forge, url=forge_url, repository=repository)
        return function(*args, forge=named, **others)

    made: Any = command
    for option in reversed(_FORGE):
        made = option(made)
    return made  # type: ignore[no-any-return]


_FORGE = (
    click.option(
        "--forge",
        type=click.Choice(["github", "gitlab"]),
        help="The forge that hosts the repository (default: the CI's).",
    ),
    click.option(
        "--forge-url",
        metavar="URL",
        help="The forge's API (default: GITHUB_API_URL, CI_API_V4_URL, or that of github.com or gitlab.com).",
    ),
    click.option(
        "--repository",
        metavar="NAME",
        help="OWNER/NAME on GitHub, the project's number or path on GitLab (default: the CI's).",
    ),
)


def findings_option(function: F) -> F:
    """``--format``: how diagnostics are printed: those of a refusal, and those that the command returns.

    In any form but text, nothing else goes to standard output.
    """

    @wraps(function)
    def command(*args: Any, form: str, **others: Any) -> Any:
        import contextlib
        import sys

        from offerkit.diagnostics import Diagnostic, Refused

        told: tuple[Diagnostic, ...] = ()
        shell = click.get_current_context().find_object(Shell)
        assert shell is not None
        if form == "text":
            done = function(*args, **others)
            if isinstance(done, tuple) and done:
                shell.tell(done)
            return None if isinstance(done, tuple) else done
        with contextlib.redirect_stdout(sys.stderr):
            try:
                done = function(*args, **others)
                told, done = (done, None) if isinstance(done, tuple) else (told, done)
            except Refused as refused:
                told, done = tuple(refused.diagnostics), 1
        click.echo(shell.rendered(told, form), nl=False)
        return done

    made: Any = _FORMAT(command)
    return made  # type: ignore[no-any-return]


_FORMAT = click.option(
    "--format",
    "form",
    type=click.Choice(["text", "github", "sarif", "gitlab"]),
    default="text",
    help=("The format of diagnostics; github: annotations; gitlab: a code quality report (default: text)."),
)


def read(path: Path) -> Opened:
    """The bundle at ``path``. Raises Refused as :func:`offerkit.usecases.ci_bundle.opened` does."""
    from offerkit.usecases.ci_bundle import opened

    return opened(path)


def found(session: Session, path: Path | None, subject: PullRequestRef) -> tuple[Opened, PullRequestRef]:
    """The bundle at ``path``, or that of the pull request's own run, as the forge keeps it; and what it has to be of.

    Raises Refused as :func:`offerkit.usecases.ci_bundle.opened` and :func:`offerkit.usecases.ci_forge.bundle_at` do.
    """
    if path is not None:
        return read(path), subject
    from offerkit.usecases.ci_forge import bundle_at

    return bundle_at(session, forge_of(session), subject)


def confirmed(session: Session, number: int) -> ForgeConfirmation | None:
    """What the forge tells of the authors of a pull request; None where no forge is named."""
    from offerkit.forges.named import TOKENS

    with session.reading() as store:
        begins = store is None
    if begins or not number or not any(session.environ.get(name) for name in TOKENS.values()):
        return None
    from offerkit.usecases.ci_approve import confirmed_of

    return confirmed_of(session, forge_of(session), number)


def forge_of(session: Session) -> Forge:
    """The forge that the CI's variables name. Raises Refused when they do not."""
    from offerkit.forges.named import forge_named

    return forge_named(session.environ, tell=lambda text: click.echo(text, err=True))


def scheduled(session: Session) -> bool:
    """Whether the CI runs this by its clock, for no pull request in particular."""
    return "schedule" in (session.environ.get("GITHUB_EVENT_NAME"), session.environ.get("CI_PIPELINE_SOURCE"))
