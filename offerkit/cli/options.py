"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from offerkit.cli.complete import addresses, files
from offerkit.cli.shell import Shell
from offerkit.diagnostics import Code, refuse
from offerkit.reports.render import formats

F = TypeVar("F", bound=Callable[..., Any])


class WholeNumber(click.IntRange):
    """A whole number within bounds."""

    name = "integer"  # what its message says that another value is not; click's own is “integer range”


class NumberInBounds(click.FloatRange):
    """A number within bounds."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """As click does, without “nan”, which no bound keeps out."""
        number: float = super().convert(value, param, ctx)
        if number != number:
            self.fail(f"{value!r} is not a valid number.", param, ctx)
        return number


class RenamedOption(click.Option):
    """An option that still takes the names it had in an earlier release, without showing them."""

    def __init__(self, *arguments: Any, former: Sequence[str], **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.former = tuple(former)

    def add_to_parser(self, parser: Any, ctx: click.Context) -> None:
        """Let the parser know the former names as well."""
        shown, self.opts = self.opts, [*self.opts, *self.former]
        try:
            super().add_to_parser(parser, ctx)
        finally:
            self.opts = shown


def renamed_option(*names: str, former: Sequence[str], **settings: Any) -> Callable[[F], F]:
    """An option of these ``names`` that once had the ``former`` ones."""
    return click.option(*names, cls=RenamedOption, former=former, **settings)


pass_shell = click.make_pass_decorator(Shell)


def format_of(result: str) -> Callable[[F], F]:
    """``--format``, with the formats that the results of this class have."""
    return click.option(
        "--format",
        "form",
        type=click.Choice(formats(result)),
        default="text",
        help="The output format (default: text).",
    )


full_option = click.option("--full", is_flag=True, help="Do not shorten long values.")
yes_option = click.option("--yes", "-y", is_flag=True, help="Do not ask for confirmation.")
message_option = renamed_option(
    "--message",
    "-m",
    former=("--comment", "--reason"),
    default="",
    metavar="TEXT",
    help="Why; kept in the history.",
)
required_message_option = renamed_option(
    "--message",
    "-m",
    former=("--comment", "--reason"),
    required=True,
    metavar="TEXT",
    help="Why; kept in the history and shown in plans.",
)
count_option = renamed_option(
    "--count",
    "-n",
    "limit",
    former=("--limit",),
    type=WholeNumber(min=0),
    default=50,
    metavar="NUMBER",
    help="List at most this many; 0 lists all (default: 50).",
)
lock_option = click.option(
    "--lock-timeout",
    type=NumberInBounds(min=0),
    default=0.0,
    metavar="SECONDS",
    help="Seconds to wait for the store lock (default: do not wait).",
)


def every_option(seconds: int, what: str = "") -> Callable[[F], F]:
    """``--every`` beside ``--watch``, by default ``seconds``; ``what``: the end of “how often to look …”."""
    return click.option(
        "--every",
        type=WholeNumber(1, 3600),
        default=seconds,
        metavar="SECONDS",
        help=f"With --watch: how often to look{what} (default: {seconds}).",
    )


exclude_option = click.option(
    "--exclude",
    multiple=True,
    metavar="PATTERN",
    help="Leave out what matches this pattern; may be repeated.",
    shell_complete=addresses,
)
out_option = click.option(
    "--out", type=click.Path(), metavar="FILE", help="Save the plan to this file; to a folder (DIR/), under its digest."
)
exitcode_option = click.option("--detailed-exitcode", is_flag=True, help="Exit with 2 if there are changes.")

blocked_option = click.option(
    "--fail-on-blocked", is_flag=True, help="Change nothing and exit with 1 if anything is blocked."
)


def _sign_with(ctx: click.Context, _parameter: click.Parameter, value: str | None) -> None:
    shell = ctx.find_root().obj
    if value and shell is not None:  # none: the shell completes
        shell.sign = value


sign_option = click.option(
    "--sign",
    metavar="KEYFILE|agent",
    envvar="OFFERKIT_SIGN",
    expose_value=False,
    callback=_sign_with,
    shell_complete=files,
    help="Sign with this SSH key, or with one of yours in the SSH agent.",
)


def not_empty(_context: click.Context, parameter: click.Parameter, value: str | None) -> str:
    """An option's value. Raises click.BadParameter if it was typed without one, as an unset variable of a shell is:
    nothing would be compared, or everything listed.
    """
    if value is not None and not value.strip():
        raise click.BadParameter("It is empty.", param=parameter)
    return value or ""


def service_url(_context: click.Context, parameter: click.Parameter, value: str) -> str:
    """The URL of a service as it was given; empty where none was. Raises Refused."""
    from offerkit.templates.urls import service_trouble

    if value and (trouble := service_trouble(value, query=parameter.name == "status_url")):
        raise refuse(Code.BAD_REQUEST, f"{parameter.opts[0]}: {trouble}", hint="Write it as in https://offers.example.")
    return value


def combined(*options: Callable[[F], F]) -> Callable[[F], F]:
    """Several options as one decorator, in the given order."""

    def decorate(function: F) -> F:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


changing = combined(yes_option, message_option, lock_option)
