"""What live's decision cases say, and that their author alone changes none of it.

Cases go to live with a promotion as everything else does, and what is live of them holds as well as what design says. A
promotion may add cases. One that live has goes, or says something else, only once a second person has lifted it, where
the environment's gate is on and duties are separated. Live and design both turn these on: an edit lifts no rule that it
has to pass itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from offerkit.address import Address, Kind, Stage, environment_address
from offerkit.fingerprint import JsonMap, canonical, digest
from offerkit.state.snapshot import BeforeAfter, Snapshot

ContactsDigest = Callable[[Address, Stage], str]
"""The digest of the file of contacts that was kept with cases on that side; empty where none was."""
IsLifted = Callable[[Address, str], bool]
"""Whether a second person has lifted what that fingerprint stands for, of the cases at an address."""

_NAMED = 3
"""Cases that a message names."""
_ASIDE = ("note",)
"""What a case says to its readers only."""


class GuardedCaseChange(NamedTuple):
    """Cases of live that a promotion would change by their author alone: which, and the fingerprint to lift that by."""

    address: Address
    names: tuple[str, ...]
    fingerprint: str

    @property
    def says(self) -> str:
        """What the change would do, as a plan says it of one that was lifted."""
        return f"that {self.why}"

    @property
    def why(self) -> str:
        """What the change would do, as the end of a sentence."""
        shown = ", ".join(f"“{name[:80]}”" for name in self.names[:_NAMED])
        more = f" and {len(self.names) - _NAMED:,} more" if len(self.names) > _NAMED else ""
        return f"live would no longer have to pass {shown}{more}"

    @property
    def how(self) -> str:
        """What lifts it."""
        return f"Somebody other than its author may lift that: offerkit override {self.address} --message TEXT"


def promotion_setting(state: Snapshot, environment: str, setting: str) -> bool:
    """Whether ``environment`` turns on a setting of its promotions there."""
    promotion = (state(environment_address(environment)) or {}).get("promotion")
    return isinstance(promotion, dict) and promotion.get(setting) is True


def names_stored_contact(case: object) -> bool:
    """Whether a case asks for a stored contact, by its key."""
    contact = case.get("contact") if isinstance(case, dict) else None
    return contact is not None and not isinstance(contact, dict)


def names_contacts(body: JsonMap) -> bool:
    """Whether any of the cases in ``body`` asks for a stored contact."""
    cases = body.get("cases")
    return isinstance(cases, dict) and any(map(names_stored_contact, cases.values()))


def with_names(case: Any, name: Callable[[Kind, str], str]) -> Any:
    """A case in which every offer, space and category is called what ``name`` says; what is no case stays as it is."""
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

    made = dict(case)
    kinds = {"space": Kind.SPACE, "spaces": Kind.SPACE, "categories": Kind.CATEGORY, "exclude": Kind.OFFER}
    made |= {key: one(kind, case[key]) for key, kind in kinds.items() if key in case}
    if "activated" in case:
        made["activated"] = keyed(case["activated"], Kind.SPACE)
    if isinstance(past := case.get("history"), list):
        of = {"offer": Kind.OFFER, "space": Kind.SPACE, "category": Kind.CATEGORY}
        made["history"] = [
            {key: one(of[key], item) if key in of else item for key, item in each.items()}
            if isinstance(each, dict)
            else each
            for each in past
        ]
    if isinstance(expected := case.get("expect"), dict):
        lists = {key: one(Kind.OFFER, expected[key]) for key in ("offers", "any_order") if key in expected}
        maps = {key: keyed(expected[key]) for key in ("weights", "out") if key in expected}
        made["expect"] = {**expected, **lists, **maps}
    return made


def guarded_case_changes(
    effect: BeforeAfter, design: Snapshot, kept: ContactsDigest, lifted: IsLifted
) -> Iterator[GuardedCaseChange]:
    """The cases of live that ``effect`` changes and that must stay as they are."""
    before, after = effect.pair
    for name in sorted({address.environment for address in before.by_kind.get(Kind.CASES, ())}):
        changed = [a for a in before.of_kind(Kind.CASES, name) if after.entries.get(a) != before.entries[a]]
        if not changed or environment_address(name) not in after.entries or not _guarded(before, design, name):
            continue
        said: set[str] = set()
        for address in after.of_kind(Kind.CASES, name):
            stays = after.entries[address] == before.entries.get(address)
            said |= _case_meanings(after, address, kept, Stage.LIVE if stays else Stage.DESIGN).keys()
        for address in changed:
            was = _case_meanings(before, address, kept, Stage.LIVE, effect.origins)
            gone = tuple(sorted(name for print_, name in was.items() if print_ not in said))
            if gone:
                print_ = change_fingerprint(address, before, design, kept)
                if not lifted(address, print_):
                    yield GuardedCaseChange(address, gone, print_)


def change_fingerprint(address: Address, live: Snapshot, design: Snapshot, kept: ContactsDigest) -> str:
    """What a change of live's cases at ``address`` to those of design is lifted by: exactly this one, with contacts."""
    prints = [state.entries[address].fingerprint if address in state.entries else "" for state in (live, design)]
    return digest(b"cases", *(print_.encode() for print_ in (*prints, kept(address, Stage.DESIGN))))


def contacts_fingerprint(cases: str, contacts: str) -> str:
    """What another file of contacts is lifted by: for these cases, and this file."""
    return digest(b"contacts", cases.encode(), contacts.encode())


def _guarded(live: Snapshot, design: Snapshot, environment: str) -> bool:
    return all(
        any(promotion_setting(state, environment, setting) for state in (live, design))
        for setting in ("tests", "separation_of_duties")
    )


def _case_meanings(
    state: Snapshot,
    address: Address,
    kept: ContactsDigest,
    side: Stage,
    former: Mapping[Address, Address] | None = None,
) -> dict[str, str]:
    """What the cases at an address say, each by a digest of it, with its name: a name says nothing itself.

    ``former``: what ``state`` calls otherwise, by the names to tell it in.
    """
    now = {old: new.name for new, old in (former or {}).items()}

    def called(kind: Kind, name: str) -> str:
        return now.get(address.beside(kind, name), name)

    body = state(address) or {}
    cases, activated = body.get("cases"), body.get("activated", {})
    contacts = kept(address, side) if names_contacts(body) else ""
    said: dict[str, str] = {}
    for name, case in cases.items() if isinstance(cases, dict) else ():
        case = with_names(case, called) if now else case
        meaning = {key: value for key, value in case.items() if key not in _ASIDE} if isinstance(case, dict) else case
        held_by = contacts if names_stored_contact(case) else ""
        about = with_names({"activated": activated}, called)["activated"] if now else activated
        said[digest(canonical(meaning), canonical(about), held_by.encode())] = name
    return said
