"""Requests to use cases and their outcomes, as plain data that can also go over the network."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from offerkit.address import Address
from offerkit.diagnostics import Code, Diagnostic, refuse
from offerkit.governance.overrides import OverrideKind
from offerkit.plans.plan import ApprovalKey, Aspect, Plan
from offerkit.specs.progress import Progress, no_progress
from offerkit.store import RevisionRow

if TYPE_CHECKING:
    from offerkit.governance.approval_items import ReviewedAspect
    from offerkit.reports.contact_erasure import ContactErasure


@dataclass(frozen=True)
class ApprovalRequest:
    """What to approve or reject: offers by pattern, by category or named by a plan; which aspects, on which spaces.

    Without an aspect: all that the operator may decide. ``seen``: by offer, the token of what the operator was shown
    (see :func:`offerkit.usecases.review.review_tokens`); None if nothing was shown. ``expect``: the digest that
    :func:`offerkit.usecases.approve.preview_decision` gave; empty: decide whatever is there now.
    """

    patterns: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    plan: Plan | None = None
    content: bool = False
    eligibility: bool = False
    spaces: tuple[str, ...] = ()
    comment: str = ""
    seen: Mapping[str, str] | None = None
    expect: str = ""
    settings: bool = False

    @property
    def aspects(self) -> tuple[Aspect, ...]:
        """The requested aspects."""
        named = [
            a
            for a, on in (
                (Aspect.CONTENT, self.content or bool(self.spaces)),
                (Aspect.ELIGIBILITY, self.eligibility),
                (Aspect.SETTINGS, self.settings),
            )
            if on
        ]
        return tuple(named) or (Aspect.CONTENT, Aspect.ELIGIBILITY, Aspect.SETTINGS)

    @property
    def explicit(self) -> bool:
        """Whether aspects were named; those that the operator cannot decide are then refused instead of left out."""
        return self.content or self.eligibility or self.settings or bool(self.spaces)


@dataclass(frozen=True)
class ApprovalOutcome:
    """What was decided; ``revision`` is None if all of it was decided already.

    ``left``: aspects for other reviewers, if none was named. ``refused``: why offers were not decided. ``digest``:
    identifies everything requested that may be decided; ``shown``: what was decided of it, with its changes.
    """

    revision: RevisionRow | None
    keys: tuple[ApprovalKey, ...]
    left: tuple[str, ...] = ()
    refused: tuple[Diagnostic, ...] = ()
    digest: str = ""
    shown: tuple[ReviewedAspect, ...] = ()


@dataclass(frozen=True)
class ForgeReview:
    """An approving review on a forge: the reviewer's account, and the review's id."""

    account: int
    review: str


@dataclass(frozen=True)
class RelayRequest:
    """Reviews of a merged pull request to record as approvals of what was applied of it.

    ``head``: the reviewed commit; ``merged_as``: the commit that it became; ``meaning``: of the plan that was read.
    ``authors``: operators who wrote it, according to the forge and its commits; ``doubts``: where these are unknown.
    """

    forge: str
    pull_request: int
    head: str
    merged_as: str
    meaning: str
    reviews: tuple[ForgeReview, ...]
    authors: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True)
class RecordedReview:
    """A review recorded as an approval by its reviewer.

    ``left``: what it covers but does not approve, and why. ``refused``: why offers were not decided.
    """

    reviewer: str
    review: str
    revision: RevisionRow
    keys: tuple[ApprovalKey, ...]
    left: tuple[str, ...] = ()
    refused: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True)
class RelayOutcome:
    """The recorded reviews; those recorded earlier (``standing``, a sentence each); why other reviews do not count."""

    recorded: tuple[RecordedReview, ...] = ()
    standing: tuple[str, ...] = ()
    refused: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True)
class StopRequest:
    """What to stop or resume (offers, categories and spaces by pattern), and why."""

    patterns: tuple[str, ...]
    reason: str = ""


@dataclass(frozen=True)
class StopOutcome:
    """What was stopped or resumed; ``revision`` is None if nothing changed.

    ``named``: what the request named. ``out``: offers that a stop took out of live or off a live space. ``refused``:
    why some were not resumed.
    """

    revision: RevisionRow | None
    named: tuple[Address, ...]
    out: tuple[Address, ...] = ()
    refused: tuple[Diagnostic, ...] = ()

    @property
    def done(self) -> str:
        """The revision in words; empty if nothing changed."""
        revision = self.revision
        return (
            f"Revision {revision.serial} by {revision.actor}, {revision.digest[:12]}." if revision is not None else ""
        )


MAX_DENIALS = 1_000
"""How many denials of local specs one override can lift through a server."""


@dataclass(frozen=True)
class PolicyDenial:
    """What a policy denies in specs that are not applied yet: the policy by address and meaning, and what it judged."""

    policy: Address
    meaning: str
    address: Address
    judged: str


@dataclass(frozen=True)
class OverrideRequest:
    """What to override: addresses by pattern, which kinds of obstacles (default: all), and why.

    ``found``: what policies deny in the sender's specs.
    """

    patterns: tuple[str, ...]
    reason: str
    lifts: tuple[OverrideKind, ...] = ()
    found: tuple[PolicyDenial, ...] = ()


@dataclass(frozen=True)
class OverrideOutcome:
    """The new revision, and what it overrides, a sentence each."""

    revision: RevisionRow
    says: tuple[str, ...]


@dataclass(frozen=True)
class ScheduleRequest:
    """When a promotion is to be carried out, and the latest time for it (empty: no limit); UTC, as the store writes."""

    due: str
    not_after: str = ""


@dataclass(frozen=True)
class ReadPlan:
    """The plan that was read in a pull request before it is applied.

    ``meaning``: its meaning. ``pull_request``: its number, or 0 if unknown. ``allowed``: why a different plan may be
    applied.
    """

    meaning: str
    pull_request: int = 0
    head: str = ""
    allowed: str = ""


@dataclass(frozen=True)
class ImpactRequest:
    """How to measure an impact: offers per contact, the time after the change (empty: now), fields to group contacts
    by.

    ``sample``: the number of contacts to decide for; 0: all. ``examples``: whether to name contacts, by key and by rare
    values of the fields to group by.
    """

    n: int = 3
    at: str = ""
    by: Sequence[str] = ()
    sample: int = 0
    examples: bool = False

    @property
    def options(self) -> tuple[str, ...]:
        """The given options that are reserved for operators who may read contacts."""
        values = {"--by": self.by, "--sample": self.sample, "--examples": self.examples}
        return tuple(name for name, value in values.items() if value)


@dataclass(frozen=True)
class ExportRequest:
    """The next changes of propositions after the cursor ``since`` (empty: from the beginning), of one environment or
    all.
    """

    since: str = ""
    environment: str = ""


@dataclass(frozen=True)
class ExportedPage:
    """Some changes, the cursor after them, and whether there are more now.

    ``waiting``: more are committed, but an older transaction of the database is still open.
    """

    lines: Sequence[Mapping[str, Any]]
    cursor: str
    more: bool
    waiting: bool = False


@dataclass(frozen=True)
class StatusReportRequest:
    """What to count: propositions by groups (``by``), from ``since`` to before ``until`` (as users write times).

    ``categories``: only offers in these or below. Empty fields do not narrow it.
    """

    by: Sequence[str] = ()
    since: str = ""
    until: str = ""
    environment: str = ""
    spaces: Sequence[str] = ()
    offers: Sequence[str] = ()
    categories: Sequence[str] = ()


@dataclass(frozen=True)
class SimulationsRequest:
    """What to do with kept simulations: list them (of one environment or all), or read or remove those in ``names``."""

    action: Literal["list", "read", "remove"] = "list"
    names: Sequence[str] = ()
    environment: str = ""


@dataclass(frozen=True)
class KeptSimulation:
    """A run that was kept by name: when (UTC) and by whom, and what it found; ``body`` is None in lists."""

    name: str
    environment: str
    stage: str
    time: str
    actor: str
    body: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class KeptSimulations:
    """Kept simulations, newest first, or in the order in which they were named."""

    runs: Sequence[KeptSimulation]


LONGEST_WAIT = 60
"""How many seconds a server lets clients wait for the store's lock."""


def lock_wait_ms(seconds: float) -> int:
    """How long a server is to wait for the lock, in milliseconds. Raises Refused if that exceeds its maximum."""
    if not seconds <= LONGEST_WAIT:  # also refuses NaN
        raise refuse(
            Code.BAD_VALUE,
            f"a server waits at most {LONGEST_WAIT} seconds for the store's lock",
            hint=f"Use --lock-timeout {LONGEST_WAIT}, and run it again if that is not enough.",
        )
    return round(seconds * 1000)


@dataclass(frozen=True)
class ContactRequest:
    """A contact by primary key, in ``environments`` (none: in all of its dimension).

    ``folders``: where files of deliveries are, beside where they were written.
    """

    key: str
    environments: Sequence[str] = ()
    folders: Sequence[Path] = ()


@dataclass(frozen=True)
class ContactExport:
    """Everything that is stored about a contact, as JSON that says what it is; warnings, if that is nothing."""

    data: Mapping[str, Any]
    warnings: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True)
class ErasureOutcome:
    """What is to be erased, or was; warnings about what was not found, or what cannot be reached."""

    erasure: ContactErasure
    warnings: tuple[Diagnostic, ...] = ()


class SpaceRequest(NamedTuple):
    """What a call requests for one place: its space (``ENVIRONMENT/SPACE``), how many offers, and from where.

    Several places can be of one space, with categories and themes of their own.
    """

    space: str
    n: int = 1
    categories: tuple[str, ...] = ()
    anonymous_categories: tuple[str, ...] = ()
    themes: tuple[str, ...] = ()


class ProposeRequest(NamedTuple):
    """A call for propositions: the spaces (``ENVIRONMENT/SPACE``) in order, the contact, and what is requested.

    ``contact``: the key, in the fields by which the space identifies. ``cookie``: the permanent or session cookie. Both
    may be empty. ``at``: the proposition date (aware). ``outputs``: renderings to include (html, text, xml); none:
    fields only. ``status_base``: base URL of the service that sets statuses, for tracked links.
    ``anonymous_categories``: replace ``categories`` if no contact is identified and the linked anonymous space answers;
    none: those of the space that fell back. ``wanted``: what is requested for each place; none: the same of each
    of ``spaces``. ``hints``: whether errors suggest similar names, which takes time and must not be shown to outsiders.
    ``own_html``: include html on spaces with a function for it. ``session``: the id of the visitor's session, for
    hooks; if it is also the ``cookie``, there is no permanent one. What most calls say alike comes after ``data``.
    """

    spaces: tuple[str, ...]
    at: datetime
    contact: str = ""
    cookie: str = ""
    session: str = ""
    data: Mapping[str, object] = MappingProxyType({})
    n: int = 1
    categories: tuple[str, ...] = ()
    themes: tuple[str, ...] = ()
    store: bool = True
    explain: bool = False
    seed: str = ""
    outputs: tuple[str, ...] = ()
    status_base: str = ""
    anonymous_categories: tuple[str, ...] = ()
    wanted: tuple[SpaceRequest, ...] = ()
    hints: bool = True
    own_html: bool = False

    @property
    def permanent(self) -> str:
        """The id of the visitor's permanent cookie; empty if only a session cookie came."""
        return self.cookie if self.cookie != self.session else ""

    @property
    def places(self) -> tuple[SpaceRequest, ...]:
        """What is requested, in order; the answer has one part for each."""
        if self.wanted:
            return self.wanted
        same = (self.n, self.categories, self.anonymous_categories, self.themes)
        return tuple([SpaceRequest(name, *same) for name in dict.fromkeys(self.spaces)])


@dataclass(frozen=True)
class PreviewRequest:
    """What to preview: ``offer`` (an address), on which spaces (none: all of its), for whom and with which call data.

    ``example``: the environment's call-data example to use, over its samples; ``data`` goes over both.
    """

    offer: str
    spaces: tuple[str, ...] = ()
    contact: str = ""
    data: Mapping[str, object] = field(default_factory=dict)
    at: str = ""
    example: str = ""


@dataclass(frozen=True)
class ProofRequest:
    """``at``: the moment as the user wrote it; empty: ``now`` (ISO 8601, UTC). ``only``: the addresses to prove about.

    ``seconds``: after this time, what is left is not decided.
    """

    now: str
    at: str = ""
    seconds: float = 15.0
    only: Callable[[Address], bool] = lambda address: True
    progress: Progress = no_progress
