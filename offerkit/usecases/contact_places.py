"""Where a contact's data is: the environments of the store that have some, and the files of deliveries.

A key means another contact in every dimension, so places of several dimensions are only chosen by name. The cookies of
a contact lead to visits in anonymous environments, where a cookie is the key.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from offerkit.address import SHARED, Address, Kind, Stage, environment_address
from offerkit.contacts.keys import key_text, parse_key
from offerkit.diagnostics import Code, Diagnostic, Refused, Severity, and_list, or_list, refuse
from offerkit.fingerprint import JsonMap
from offerkit.models.dimension import Dimension
from offerkit.models.expression_scopes import field_types
from offerkit.state.snapshot import Snapshot
from offerkit.store import Store, contact_data
from offerkit.store.contact_data import ContactRows
from offerkit.store.proposition_rows import LONGEST_KEY, keepable
from offerkit.store.stage_snapshots import environments, stage_view
from offerkit.usecases.argument_values import known_environments, zone_of_stage
from offerkit.usecases.delivery_files import DELIVERIES, DeliveryFiles, find_delivery_files
from offerkit.usecases.delivery_folder import unfinished_of
from offerkit.usecases.requests import ContactRequest
from offerkit.usecases.session import Session


@dataclass(frozen=True)
class ContactPlace:
    """What an environment has of a contact. ``keys``: the key in all spellings; ``visitor``: found by a cookie."""

    environment: str
    keys: tuple[str, ...]
    rows: ContactRows
    visitor: bool = False


@dataclass(frozen=True)
class ContactPlaces:
    """All places of a contact; ``environments``: where it was looked for or found, each with its dimension.

    ``spelled``: the key in every spelling.
    """

    request: ContactRequest
    environments: Mapping[str, str]
    spelled: Sequence[str]
    places: Sequence[ContactPlace]
    files: Sequence[DeliveryFiles]

    @property
    def holding(self) -> dict[str, str]:
        """The environments that have something of the contact, each with its dimension."""
        names = [*(place.environment for place in self.places), *(each.environment for each in self.files)]
        return {name: self.environments.get(name, "") for name in names}


def searched(store: Store, request: ContactRequest) -> dict[str, str]:
    """The environments where a contact is looked for, each with its dimension. Raises Refused for unknown ones."""
    declared = _Declared(store)
    return {name: declared.dimension(name) for name in _chosen(store, declared, request)}


def find_contact(root: Path, store: Store, request: ContactRequest) -> ContactPlaces:
    """Everything that the store and the files of deliveries have of a contact. Raises Refused.

    ``root``: the project's folder.
    """
    declared = _Declared(store)
    keys = _keys(store, declared, request)
    places = _places(store, declared, keys)
    files = find_delivery_files(root, [*request.folders, *_written(store)], keys)
    if not request.environments:
        named = [place.environment for place in places if not place.visitor]
        _check_one_dimension(declared, {*named, *(one.environment for one in files if one.environment)})
    looked = {name: declared.dimension(name) for name in [*keys, *(each.environment for each in places)]}
    spelled = tuple(dict.fromkeys(key for own in keys.values() for key in own))
    return ContactPlaces(request, looked, spelled, places, files)


def find_places(store: Store, request: ContactRequest) -> list[ContactPlace]:
    """What the store has of a contact. Raises Refused as :func:`find_contact` does."""
    declared = _Declared(store)
    places = _places(store, declared, _keys(store, declared, request))
    if not request.environments:
        _check_one_dimension(declared, {place.environment for place in places if not place.visitor})
    return places


def folder_shown(folder: Path, root: Path) -> str:
    """A folder as its user knows it: from the project's folder, if it is below."""
    return str(folder.relative_to(root) if folder.is_relative_to(root) else folder)


def nothing_stored(session: Session, request: ContactRequest) -> Diagnostic:
    """The warning that nothing is stored for a contact: what was searched for it, and whether its key can be one."""
    root = session.project.root
    with session.existing() as store:
        declared = _Declared(store)
        looked = _chosen(store, declared, request)
        folders = {path.resolve(): path for path in (root / DELIVERIES, *request.folders, *_written(store))}
        forms = sorted({form for name in looked if (form := declared.form(name))})
        fits = not forms or any([*declared.parsed(name, request.key)] for name in looked)
    shown = [folder_shown(path, root) for path in folders.values()]
    return Diagnostic(
        Code.NO_MATCH,
        "nothing is stored for a contact with this key",
        f"Searched: propositions, evidence and cookies of {and_list(looked) or 'no environment'}; files of deliveries"
        f" in {and_list(shown)[:500]}.",
        ("Unless it was erased before, look for a typo. " if fits else "This cannot be a primary key. ")
        + (f"The primary key is {or_list(forms)}, and no other field is searched." if forms else ""),
        severity=Severity.WARNING,
    )


def _written(store: Store) -> list[Path]:
    """The folders where deliveries wrote their files, finished or not, as far as they are there."""
    written = [Path(run.folder) for run in store.deliveries() if run.folder]
    return [each for folder in written for each in (folder, unfinished_of(folder)) if each.is_dir()]


def _keys(store: Store, declared: _Declared, request: ContactRequest) -> dict[str, tuple[str, ...]]:
    """The environments to look in, each with the key in all spellings."""
    _check_key(request.key)
    return {name: declared.keys(name, request.key) for name in _chosen(store, declared, request)}


def _places(store: Store, declared: _Declared, keys: Mapping[str, tuple[str, ...]]) -> list[ContactPlace]:
    counted = [(name, contact_data.count(store.database, name, own)) for name, own in keys.items()]
    places = [ContactPlace(name, keys[name], rows) for name, rows in counted if rows.total]
    return [*places, *_visits(store, declared, places)]


def _check_key(key: str) -> None:
    if not 0 < len(key) <= LONGEST_KEY or not keepable([key]):
        raise refuse(
            Code.CONTACT_KEY,
            f"a contact's key has 1 to {LONGEST_KEY} characters and no NUL",
            hint="Write the primary key as “offerkit propositions” shows it, parts joined by “|”.",
        )


def _chosen(store: Store, declared: _Declared, request: ContactRequest) -> list[str]:
    """The environments to look in. Raises Refused for those that neither stages nor contacts' data name."""
    known = sorted({*declared.names, *contact_data.environments(store.database)})
    return known_environments(request.environments, known) or known


def _check_one_dimension(declared: _Declared, names: Iterable[str]) -> None:
    """Raises Refused when environments of several dimensions have the key: it can be several contacts'."""
    by_dimension: dict[str, list[str]] = {}
    for name in sorted(names):
        by_dimension.setdefault(declared.dimension(name), []).append(name)
    if len(by_dimension) > 1:
        parts = [
            f"{dimension or 'removed environments'} ({', '.join(each)})" for dimension, each in by_dimension.items()
        ]
        raise refuse(
            Code.CONTACT_IN_SEVERAL,
            f"several dimensions have a contact with this key: {and_list(parts)}",
            detail="They can be different contacts. Nothing was exported or erased.",
            hint=f"Name the environments that you mean: --environment {next(iter(by_dimension.values()))[0]}",
        )


def _visits(store: Store, declared: _Declared, places: Sequence[ContactPlace]) -> list[ContactPlace]:
    """What anonymous environments have of the contact's cookies."""
    cookies = [row.cookie for p in places for row in contact_data.cookies(store.database, p.environment, p.keys)]
    found = {place.environment for place in places}
    visits = []
    for name in declared.names if cookies else ():
        keys = tuple(dict.fromkeys(cookies))
        if name not in found and declared.anonymous(name):
            rows = contact_data.count(store.database, name, keys)
            visits += [ContactPlace(name, keys, rows, visitor=True)] if rows.total else []
    return visits


class _Declared:
    """What live or design declare of environments."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._views: list[Snapshot] = [stage_view(store, stage) for stage in (Stage.LIVE, Stage.DESIGN)]
        self.names = environments(store)

    def _body(self, address: Address) -> JsonMap | None:
        """As live has it; design is asked only where live has none: it can make one contact of 007 and 7."""
        return next((body for view in self._views if (body := view(address)) is not None), None)

    def dimension(self, environment: str) -> str:
        """The environment's dimension; empty for one that was removed."""
        body = self._body(environment_address(environment))
        return str(body.get("dimension")) if body else ""

    def anonymous(self, environment: str) -> bool:
        """Whether it is for visitors; one that is not live yet, whether it is to be."""
        body = self._body(environment_address(environment))
        return body is not None and body.get("anonymous") is True

    def keys(self, environment: str, text: str) -> tuple[str, ...]:
        """``text``, and as the key is stored: ``007`` of a whole number is ``7``."""
        return tuple(dict.fromkeys([text, *self.parsed(environment, text)]))

    def parsed(self, environment: str, text: str) -> Iterator[str]:
        """``text`` as the key is stored, unless it is none: an earlier dimension may have had such keys."""
        model = self._keyed(environment)
        if model is not None:
            with suppress(Refused):
                zone = zone_of_stage(self._store, Stage.LIVE, [environment])
                values = parse_key(text, model.key, field_types(model.fields), zone)
                yield key_text(values[name] for name in model.key)

    def form(self, environment: str) -> str:
        """What keys of the environment's contacts are: ``id of person (integer)``; empty if nobody knows."""
        model = self._keyed(environment)
        if model is None:
            return ""
        types = and_list([model.fields[name].type for name in model.key])
        return f"{'|'.join(model.key)} of {self.dimension(environment)} ({types})"

    def _keyed(self, environment: str) -> Dimension | None:
        """The dimension whose primary key an environment's contacts have; None for visitors, whose key is a cookie."""
        body = self._body(Address(SHARED, Kind.DIMENSION, self.dimension(environment)))
        return Dimension.model_validate(body) if body is not None and not self.anonymous(environment) else None
