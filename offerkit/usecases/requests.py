"""What use cases are asked for and give back, as plain data: it also goes over the network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from offerkit.address import Address
from offerkit.diagnostics import Diagnostic
from offerkit.governance.overrides import OverrideKind
from offerkit.plans.plan import ApprovalKey, Aspect, Plan
from offerkit.store import RevisionRow

if TYPE_CHECKING:
    from offerkit.reports.approvals import Reviewed


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
        """The aspects asked for."""
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
        """Whether an aspect was named; what the operator may not decide is then refused, not left out."""
        return self.content or self.eligibility or self.settings or bool(self.spaces)


@dataclass(frozen=True)
class ApprovalOutcome:
    """What was decided; ``revision`` is None when all of it stood already.

    ``left``: aspects that are for other reviewers, where none was named. ``refused``: why offers were not decided on.
    ``digest`` names all that was asked for and may be decided, ``shown`` is what of it was decided, each with what it
    changes.
    """

    revision: RevisionRow | None
    keys: tuple[ApprovalKey, ...]
    left: tuple[str, ...] = ()
    refused: tuple[Diagnostic, ...] = ()
    digest: str = ""
    shown: tuple[Reviewed, ...] = ()


@dataclass(frozen=True)
class ForgeReview:
    """A review that approves, as a forge tells it: by which account, and the review's id there."""

    account: int
    review: str


@dataclass(frozen=True)
class RelayRequest:
    """Reviews of a merged pull request that are to be recorded as approvals of what was applied of it.

    ``head``: what was reviewed; ``merged_as``: the commit that it became; ``meaning``: what was read.
    ``authors``: operators who wrote it, as the forge and its commits tell; ``doubts``: where these do not.
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
    """A review that was recorded as its reviewer's approval.

    ``left``: what it is about and does not approve, and why. ``refused``: why offers were not decided on.
    """

    reviewer: str
    review: str
    revision: RevisionRow
    keys: tuple[ApprovalKey, ...]
    left: tuple[str, ...] = ()
    refused: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True)
class RelayOutcome:
    """What was recorded; what stood already (``standing``, a sentence each); and why other reviews do not count."""

    recorded: tuple[RecordedReview, ...] = ()
    standing: tuple[str, ...] = ()
    refused: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True)
class StopRequest:
    """What is to be stopped or resumed: offers, categories and spaces by pattern; and why."""

    patterns: tuple[str, ...]
    reason: str = ""


@dataclass(frozen=True)
class StopOutcome:
    """What was stopped or resumed by name, and the offers that this is about; ``revision`` is None when all was so.

    ``out``: the offers that a stop took out of live, or of a space there. ``refused``: why some were not resumed.
    """

    revision: RevisionRow | None
    named: tuple[Address, ...]
    out: tuple[Address, ...] = ()
    refused: tuple[Diagnostic, ...] = ()

    @property
    def done(self) -> str:
        """In which revision, in words; empty when there was nothing to do."""
        made = self.revision
        return f"Revision {made.serial} by {made.actor}, {made.digest[:12]}." if made is not None else ""


MAX_DENIALS = 1_000
"""Denials of specs that one override can lift through a server."""


@dataclass(frozen=True)
class PolicyDenial:
    """What a policy denies of specs that are not applied yet: by its address and meaning, and what it judged."""

    policy: Address
    meaning: str
    address: Address
    judged: str


@dataclass(frozen=True)
class OverrideRequest:
    """What is to be overridden: addresses by pattern, of which kinds (none named: all), and why.

    ``found``: what policies deny of the specs of whoever asks.
    """

    patterns: tuple[str, ...]
    reason: str
    lifts: tuple[OverrideKind, ...] = ()
    found: tuple[PolicyDenial, ...] = ()


@dataclass(frozen=True)
class OverrideOutcome:
    """The revision that was made, and in a sentence each what it overrides."""

    revision: RevisionRow
    says: tuple[str, ...]


@dataclass(frozen=True)
class PlanOrigin:
    """Where what is applied comes from: the checked out commit, and who wrote it, as commits and who applies it say.

    ``commit``: empty where files are not as one has them. ``whole``: nothing of it is left to be applied. ``named``:
    operators named by who applies; ``authors``: those of the commits, by name. ``doubts``: why these may not be all, or
    what is applied not what they wrote (``edited``). ``unverified``: where a commit is only taken at its word.
    """

    commit: str = ""
    whole: bool = False
    named: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    unverified: tuple[str, ...] = ()
    edited: tuple[str, ...] = ()


NO_ORIGIN = PlanOrigin()


@dataclass(frozen=True)
class ReadPlan:
    """What was read of what is applied: the ``meaning`` of its plan, and the pull request that it was read in.

    ``pull_request``: its number; 0 where that is not known. ``allowed``: why something else may be applied.
    """

    meaning: str
    pull_request: int = 0
    head: str = ""
    allowed: str = ""


@dataclass(frozen=True)
class ImpactRequest:
    """What is asked of an impact: offers for each, the moment after (empty: now), fields to tell contacts apart by.

    ``sample``: so many contacts instead of all of them; 0: all.
    ``examples``: whether contacts are to be named, by key and by rare values of the fields that tell them apart.
    """

    n: int = 3
    at: str = ""
    by: Sequence[str] = ()
    sample: int = 0
    examples: bool = False

    @property
    def options(self) -> tuple[str, ...]:
        """The options that only who may read contacts may use."""
        given = {"--by": self.by, "--sample": self.sample, "--examples": self.examples}
        return tuple(name for name, value in given.items() if value)


@dataclass(frozen=True)
class SpaceRequest:
    """What a call wants of one of its spaces: how many offers, and from which categories."""

    n: int
    categories: tuple[str, ...] = ()
    anonymous_categories: tuple[str, ...] = ()


@dataclass(frozen=True)
class ProposeRequest:
    """What a caller asks: spaces (``ENVIRONMENT/SPACE``) in order, for whom, what, when.

    ``contact`` is the key as the space identifies by, ``cookie`` the permanent or session cookie; both may be
    empty. ``at`` is the proposition date (aware). ``output``: render as html, text or xml; empty: fields only.
    ``status_base`` is the address of the service that sets statuses, for tracked links. ``anonymous_categories``
    take the place of ``categories`` where nobody was identified and the linked anonymous space answers; none: those
    of the space that fell back. ``wanted`` is what differs on single spaces, by the name in ``spaces``.
    ``hints``: whether names that are not known are told with those that look like them, which takes a while; nobody
    from outside ever hears them. ``own_html``: html beside the ``outputs``, on spaces that have a function for it.
    """

    spaces: tuple[str, ...]
    at: datetime
    contact: str = ""
    cookie: str = ""
    n: int = 1
    categories: tuple[str, ...] = ()
    themes: tuple[str, ...] = ()
    data: Mapping[str, object] = field(default_factory=dict)
    store: bool = True
    explain: bool = False
    seed: str = ""
    outputs: tuple[str, ...] = ()
    status_base: str = ""
    anonymous_categories: tuple[str, ...] = ()
    wanted: Mapping[str, SpaceRequest] = field(default_factory=dict)
    hints: bool = True
    own_html: bool = False

    def on(self, space: str) -> SpaceRequest:
        """What is wanted of one of the call's spaces."""
        return self.wanted.get(space) or SpaceRequest(self.n, self.categories, self.anonymous_categories)
