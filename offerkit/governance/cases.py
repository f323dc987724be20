"""Guards live's decision cases: their author alone cannot change them.

Cases go live with a promotion like everything else; both live's cases and design's apply. A promotion may add cases.
Where the environment requires tests and separation of duties, it removes or changes a live case only after a second
person has overridden that. Either live or design can turn these settings on, so that an edit cannot remove a rule that
it has to pass itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from offerkit.address import Address, Kind, Stage, environment_address
from offerkit.fingerprint import JsonMap, canonical, digest
from offerkit.state.snapshot import BeforeAfter, Snapshot

ContactsDigest = Callable[[Address, Stage], str]
"""The digest of the contacts file stored with the cases at an address on a side; empty if missing."""
IsLifted = Callable[[Address, str], bool]
"""Whether a second person has overridden the change with that fingerprint, for the cases at an address."""

_NAMED = 3
"""At most this many cases are named in a message."""
_ASIDE = ("note",)
"""Fields of a case that are for readers only."""


class GuardedCaseChange(NamedTuple):
    """Live cases that a promotion would change without a second person, and the fingerprint that an override needs."""

    address: Address
    names: tuple[str, ...]
    fingerprint: str

    @property
    def says(self) -> str:
        """The effect of the change as a that-clause, for the notes of plans."""
        return f"that {self.why}"

    @property
    def why(self) -> str:
        """The effect of the change, as the end of a sentence."""
        shown = ", ".join(f"“{name[:80]}”" for name in self.names[:_NAMED])
        more = f" and {len(self.names) - _NAMED:,} more" if len(self.names) > _NAMED else ""
        return f"live would no longer have to pass {shown}{more}"

    @property
    def how(self) -> str:
        """The command that overrides it."""
        return f"Somebody other than its author may lift that: offerkit override {self.address} --message TEXT"


def promotion_setting(state: Snapshot, environment: str, setting: str) -> bool:
    """Whether ``environment`` turns on ``setting`` under ``promotion`` in ``state``."""
    promotion = (state(environment_address(environment)) or {}).get("promotion")
    return isinstance(promotion, dict) and promotion.get(setting) is True


def names_stored_contact(case: object) -> bool:
    """Whether a case names a stored contact by its key."""
    contact = case.get("contact") if isinstance(case, dict) else None
    return contact is not None and not isinstance(contact, dict)


def names_contacts(body: JsonMap) -> bool:
    """Whether any case in ``body`` names a stored contact."""
    cases = body.get("cases")
    return isinstance(cases, dict) and any(map(names_stored_contact, cases.values()))


def with_names(case: Any, name: Callable[[Kind, str], str]) -> Any:
    """A case with every offer, space and category renamed by ``name``; a value that is not a map stays as it is."""
    if not isinstance(case, dict):
        return case

    def one(kind: Kind, value: Any) -> Any:
        if isinstance(value, str):
            environment, slash, last = value.rpartition("/") if kind is Kind.SPACE else ("", "", value)
            return f"{environment}{slash}{name(kind, last)}"
        if isinstance(value, list):
            return [one(kind, item) for item in value]
        return (
            {one(Kind.SPACE, key): one(kind, item) for key, item in value.items()} if isinstance(value, dict) else value
        )

    def keyed(value: Any, kind: Kind | None = None) -> Any:
        if not isinstance(value, dict):
            return value
        return {one(Kind.OFFER, key): one(kind, item) if kind else item for key, item in value.items()}

    result = dict(case)
    kinds = {"space": Kind.SPACE, "spaces": Kind.SPACE, "categories": Kind.CATEGORY, "exclude": Kind.OFFER}
    result |= {key: one(kind, case[key]) for key, kind in kinds.items() if key in case}
    if "activated" in case:
        result["activated"] = keyed(case["activated"], Kind.SPACE)
    if isinstance(history := case.get("history"), list):
        kinds_of_fields = {"offer": Kind.OFFER, "space": Kind.SPACE, "category": Kind.CATEGORY}
        result["history"] = [
            {key: one(kinds_of_fields[key], item) if key in kinds_of_fields else item for key, item in entry.items()}
            if isinstance(entry, dict)
            else entry
            for entry in history
        ]
    if isinstance(expected := case.get("expect"), dict):
        lists = {key: one(Kind.OFFER, expected[key]) for key in ("offers", "any_order") if key in expected}
        maps = {key: keyed(expected[key]) for key in ("weights", "products", "out") if key in expected}
        result["expect"] = {**expected, **lists, **maps}
    return result


def guarded_case_changes(
    effect: BeforeAfter, design: Snapshot, kept: ContactsDigest, lifted: IsLifted
) -> Iterator[GuardedCaseChange]:
    """The live cases that ``effect`` changes although nobody has overridden their protection."""
    before, after = effect.pair
    for name in sorted({address.environment for address in before.by_kind.get(Kind.CASES, ())}):
        changed = [a for a in before.of_kind(Kind.CASES, name) if after.entries.get(a) != before.entries[a]]
        if not changed or environment_address(name) not in after.entries or not _guarded(before, design, name):
            continue
        meanings: set[str] = set()
        for address in after.of_kind(Kind.CASES, name):
            stays = after.entries[address] == before.entries.get(address)
            meanings |= _case_meanings(after, address, kept, Stage.LIVE if stays else Stage.DESIGN).keys()
        for address in changed:
            former_meanings = _case_meanings(before, address, kept, Stage.LIVE, effect.origins)
            lost_cases = tuple(sorted(name for print_, name in former_meanings.items() if print_ not in meanings))
            if lost_cases:
                print_ = change_fingerprint(address, before, design, kept)
                if not lifted(address, print_):
                    yield GuardedCaseChange(address, lost_cases, print_)


def change_fingerprint(address: Address, live: Snapshot, design: Snapshot, kept: ContactsDigest) -> str:
    """The fingerprint of exactly this change of cases from live to design, with their contacts file."""
    prints = [state.entries[address].fingerprint if address in state.entries else "" for state in (live, design)]
    return digest(b"cases", *(print_.encode() for print_ in (*prints, kept(address, Stage.DESIGN))))


def contacts_fingerprint(cases: str, contacts: str) -> str:
    """The fingerprint of a change of the contacts file: these cases with this file."""
    return digest(b"contacts", cases.encode(), contacts.encode())


def _guarded(live: Snapshot, design: Snapshot, environment: str) -> bool:
    return all(
        any(promotion_setting(state, environment, setting) for state in (live, design))
        for setting in ("tests", "separation_of_duties")
    )


def _case_meanings(
    state: Snapshot,
    address: Address,
    digest_of_contacts: ContactsDigest,
    side: Stage,
    former: Mapping[Address, Address] | None = None,
) -> dict[str, str]:
    """The names of the cases at an address, each by a digest of its meaning; a case's name is not part of its meaning.

    ``former``: former addresses by new ones, to compare cases by their new names.
    """
    new_names = {old: new.name for new, old in (former or {}).items()}

    def called(kind: Kind, name: str) -> str:
        return new_names.get(address.beside(kind, name), name)

    body = state(address) or {}
    cases, activated = body.get("cases"), body.get("activated", {})
    contacts = digest_of_contacts(address, side) if names_contacts(body) else ""
    names: dict[str, str] = {}
    for name, case in cases.items() if isinstance(cases, dict) else ():
        case = with_names(case, called) if new_names else case
        meaning = {key: value for key, value in case.items() if key not in _ASIDE} if isinstance(case, dict) else case
        contacts_digest = contacts if names_stored_contact(case) else ""
        activated_meaning = with_names({"activated": activated}, called)["activated"] if new_names else activated
        names[digest(canonical(meaning), canonical(activated_meaning), contacts_digest.encode())] = name
    return names
