"""The impact of a change on contacts: before and after, space by space, offer by offer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from offerkit.engine.counts import Count, exceeds, rounded, size
from offerkit.engine.estimate import Sample


@dataclass(frozen=True, slots=True)
class Example:
    """A contact with the reason of its change; ``key`` is empty unless contacts can be named."""

    contact: str
    change: str
    reason: str


@dataclass(frozen=True, slots=True)
class OfferImpact:
    """Contacts that gain an offer, lose it, or get it at another rank, with some of them as examples."""

    offer: str
    before: Count
    gained: Count
    lost: Count
    moved: Count
    examples: Sequence[Example] = ()


@dataclass(frozen=True, slots=True)
class Segment:
    """The contacts with one value of a field: how many see a difference, gain or lose offers, or get none."""

    value: str
    contacts: int
    changed: int
    gained: int
    lost: int
    emptied: int


@dataclass(frozen=True, slots=True)
class FailedHook:
    """A hook that was missing, failed or returned something unusable (``code``), and in how many calls of a space.

    ``kind``: such as ``dynamic-offer``; ``offers``: those that a dynamic-offer hook failed for. The text of an
    error is left out: it may be about contacts.
    """

    code: str
    kind: str
    hook: str
    offers: Sequence[str]
    before: Count
    after: Count

    @property
    def rounded(self) -> FailedHook:
        """The same with rounded numbers, for operators without access to contacts."""
        return replace(self, before=rounded(size(self.before)), after=rounded(size(self.after)))


@dataclass(frozen=True, slots=True)
class SpaceImpact:
    """One space. ``changed``: contacts whose offers or ranks differ; ``emptied``: those left without an offer.

    ``contacts``: all contacts; ``served``: contacts with an offer before; ``max_lost``: the environment's limit for
    promotions, if it has one. With a ``sample`` every number except ``contacts`` was counted in the sample.
    ``judged``: whether the exact numbers exceed that limit, if the numbers were rounded afterwards. ``failed_hooks``:
    those without which some of these decisions were made.
    """

    space: str
    contacts: Count
    changed: Count
    emptied: Count
    offers: Sequence[OfferImpact]
    served: Count = 0
    max_lost: str = ""
    segments: Sequence[tuple[str, Sequence[Segment]]] = ()
    sample: Sample | None = None
    judged: bool | None = None
    failed_hooks: Sequence[FailedHook] = ()

    @property
    def counted(self) -> Count:
        """The contacts in the comparison."""
        return self.sample.contacts if self.sample is not None else self.contacts

    @property
    def exceeds(self) -> bool:
        """Whether more are left without an offer than the environment allows, as far as these contacts tell."""
        return exceeds(self.emptied, self.served, self.max_lost) if self.judged is None else self.judged


@dataclass(frozen=True, slots=True)
class Impact:
    """Before and after, each a time in words; ``n`` offers for each contact.

    ``silent``: environments about whose contacts nothing is known, since their dimension declares no source.
    """

    before: str
    after: str
    n: int
    spaces: Sequence[SpaceImpact]
    silent: Sequence[str] = ()


def rounded_space(space: SpaceImpact, *, judged: bool) -> SpaceImpact:
    """``space`` for operators who cannot read contacts: numbers rounded, without contacts, values, or order by them.

    ``judged``: keep whether the limit is exceeded, as the exact numbers tell. That is for promotions, whose limit is
    the applied one: with limits of one's own, asking again and again would tell exact numbers.
    """
    offers = [
        replace(
            offer,
            before=rounded(size(offer.before)),
            gained=rounded(size(offer.gained)),
            lost=rounded(size(offer.lost)),
            moved=rounded(size(offer.moved)),
            examples=(),
        )
        for offer in space.offers
    ]
    offers.sort(key=lambda offer: (-(size(offer.gained) + size(offer.lost) + size(offer.moved)), offer.offer))
    return SpaceImpact(
        space.space,
        rounded(size(space.contacts)),
        rounded(size(space.changed)),
        rounded(size(space.emptied)),
        offers,
        rounded(size(space.served)),
        space.max_lost,
        judged=space.exceeds if judged else None,
        failed_hooks=[hook.rounded for hook in space.failed_hooks],
    )


def without_contacts(space: SpaceImpact) -> SpaceImpact:
    """``space`` with the reasons of its examples but without their contacts; examples of changed ranks are dropped."""
    offers = [
        replace(
            offer,
            examples=list(
                dict.fromkeys(
                    replace(example, contact="") for example in offer.examples if example.change in ("gained", "lost")
                )
            ),
        )
        for offer in space.offers
    ]
    return replace(space, offers=offers)
