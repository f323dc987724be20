"""The options with which planning commands measure the impact on contacts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

import click

from offerkit.cli.complete import axes
from offerkit.cli.options import WholeNumber, renamed_option
from offerkit.engine.estimate import MAX_SAMPLE

if TYPE_CHECKING:
    from offerkit.engine.impact import Impact
    from offerkit.plans.plan import Plan
    from offerkit.usecases.diff import Difference
    from offerkit.usecases.requests import ImpactRequest
    from offerkit.usecases.session import Session

F = TypeVar("F", bound=Callable[..., Any])

override_option = click.option(
    "--override-impact",
    default="",
    metavar="REASON",
    help="Promote even if more contacts lose all offers than the environment allows; recorded.",
)


@dataclass(frozen=True)
class ImpactAsked:
    """What the options say; ``wanted`` is false without --impact."""

    wanted: bool
    n: int
    at: str
    by: tuple[str, ...]
    sample: int
    examples: bool

    def of(self, session: Session, plan: Plan) -> Impact | None:
        """The impact of ``plan``, if it is asked for. Raises Refused when it cannot be told."""
        if not self.wanted:
            return None
        from offerkit.usecases.impact import impact_of_plan

        return impact_of_plan(session, plan, self._request)

    def between(self, session: Session, found: Difference, contacts: tuple[str, ...]) -> Impact | None:
        """The impact of a difference, on ``contacts`` of files if named. Raises Refused when it cannot be told."""
        if not self.wanted:
            return None
        from offerkit.usecases.diff import impact_between

        return impact_between(session, found, self._request, contacts)

    @property
    def _request(self) -> ImpactRequest:
        from offerkit.usecases.requests import ImpactRequest

        return ImpactRequest(self.n, self.at, self.by, self.sample, self.examples)


def impact_options(function: F) -> F:
    """``--impact`` and what goes with it, as the one argument ``impact`` (ImpactAsked)."""
    return _with_options(function, _MOMENT, schedules=False)


def scheduling_options(function: F) -> F:
    """:func:`impact_options` of a command that can be scheduled: ``--at`` is its time as well."""
    return _with_options(function, _SCHEDULED, schedules=True)


def _with_options(function: F, moment_option: Callable[[Any], Any], *, schedules: bool) -> F:
    @wraps(function)
    def command(
        *args: Any,
        impact: bool,
        count: int,
        at: str,
        by: tuple[str, ...],
        sample: int | None,
        examples: bool,
        **others: Any,
    ) -> Any:
        moment = at if others.get("prove", False) is False and not schedules else ""  # proofs are of a moment, too
        with_impact = {"--at": moment, "--by": by, "--sample": sample is not None, "--examples": examples}
        alone = next((name for name, given in with_impact.items() if given and not impact), "")
        if alone:
            raise click.UsageError(f"{alone} goes with --impact.")
        return function(*args, impact=ImpactAsked(impact, count, at, by, sample or 0, examples), **others)

    made: Any = command
    for option in reversed((*_OPTIONS, moment_option)):
        made = option(made)
    return made  # type: ignore[no-any-return]


_OPTIONS = (
    click.option("--impact", is_flag=True, help="Also measure how the offers of contacts change; nothing is stored."),
    renamed_option(
        "--count",
        "-n",
        former=("--impact-n",),
        type=int,
        default=3,
        metavar="NUMBER",
        help="With --impact: offers wanted for each contact (default: 3).",
    ),
    renamed_option(
        "--by",
        former=("--impact-by",),
        multiple=True,
        metavar="FIELD",
        shell_complete=axes,
        help="With --impact: also count by this field, such as recipient.country.",
    ),
    renamed_option(
        "--sample",
        former=("--impact-sample",),
        type=WholeNumber(1, MAX_SAMPLE),
        metavar="NUMBER",
        help="With --impact: estimate it on this many contacts, the same ones in every run (default: all).",
    ),
    click.option(
        "--examples",
        is_flag=True,
        help=("With --impact: name contacts, by key and by rare values of --by. Do not use it in pull requests."),
    ),
)
_MOMENT = click.option(
    "--at",
    default="",
    metavar="TIME",
    help=(
        "The moment that proofs are of, and for which --impact measures, too: a day (its noon) or a time, in the"
        " environment's time zone (default: now)."
    ),
)
_SCHEDULED = click.option(
    "--at",
    default="",
    metavar="TIME",
    help=(
        "Schedule the promotion for this time, in the environments' time zone or with an offset; --impact and proofs"
        " are of this moment, too (default: promote now)."
    ),
)
