"""Simulations that are narrowed, counted by what offers have, kept by name and compared."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import pytest
from helpers.serving import PEOPLE, with_people
from helpers.workspace import Workspace

from offerkit.diagnostics import Code, Refused
from offerkit.engine.simulation import AxisValue, GroupResult, OfferResult, Simulation, SpaceResult
from offerkit.times import instant
from offerkit.usecases import restore, store_maintenance
from offerkit.usecases.keep_simulations import (
    about_run,
    check_saving,
    compare,
    save_simulation,
    simulation_of,
    simulations,
)
from offerkit.usecases.open_engine import open_stage
from offerkit.usecases.requests import KeptSimulation, SimulationsRequest, StatusReportRequest
from offerkit.usecases.simulate import SimulationRequest, simulate
from offerkit.usecases.status_report import status_report

AT = instant("2026-03-01T12:00:00.000000Z")


@pytest.fixture
def live(shop: Workspace) -> Workspace:
    shop.change(
        {
            "environments/shop.yaml": {"environment": {"offer_fields": {"margin": {"type": "decimal"}}}},
            "specs/shop/offers.yaml": {
                "offers": {"gold-card": {"fields": {"margin": "2.50"}}, "saver": {"fields": {"margin": "0.5"}}}
            },
        }
    )
    return with_people(shop).go_live()


def run(shop: Workspace, **more: Any) -> Simulation:
    request = SimulationRequest("shop", **{"spaces": ("web",), **more})
    with open_stage(shop.session("ada"), "live") as engine:
        return simulate(engine, engine.people.of("shop", ""), request, AT)[0]


def given(simulation: Simulation) -> dict[str, int]:
    return {offer.offer: offer.contacts for space in simulation.spaces for offer in space.given}


def refused(code: Code, act: Any, count: int = 1) -> None:
    with pytest.raises(Refused) as caught:
        act()
    assert [diagnostic.code for diagnostic in caught.value.diagnostics] == [code] * count


def test_a_population_is_those_for_whom_the_condition_holds(live: Workspace) -> None:
    everybody, adults = run(live), run(live, population="person.age >= 18")
    assert (everybody.spaces[0].contacts, adults.spaces[0].contacts) == (3, 2)
    french = run(live, population="person.country = 'FR'")
    unknown = run(live, population="person.country is null")
    assert french.spaces[0].contacts + unknown.spaces[0].contacts == 3
    for offer in given(everybody):
        assert given(everybody)[offer] == given(french).get(offer, 0) + given(unknown).get(offer, 0)
    refused(Code.NO_MATCH, lambda: run(live, population="person.age > 200"))


def test_offers_are_those_for_which_the_condition_holds(live: Workspace) -> None:
    whole = run(live, n=10)
    assert len(given(whole)) > 1
    for condition, names in (
        ("offer.name = 'safari'", {"safari"}),
        ("offer.margin > 1", {"gold-card"}),
        ("offer.category like 'bank%' and offer.name <> 'saver'", {"gold-card"}),
        ("category.path = 'none'", set()),
    ):
        narrowed = run(live, n=10, offers=condition)
        assert given(narrowed) == {name: count for name, count in given(whole).items() if name in names}
        listed = {offer.offer for offer in narrowed.spaces[0].offers}
        assert listed <= names


def test_a_space_is_simulated_once(live: Workspace) -> None:
    assert [space.space for space in run(live, spaces=("web", "shop/web", "web")).spaces] == ["shop/web"]


def test_all_mistakes_are_told_at_once(live: Workspace) -> None:
    with pytest.raises(Refused) as caught:
        run(
            live,
            population="person.agee > 1",
            offers="offer.weight > 1 or offer.marign > 1",
            axes=("offer.colour", "person.nix"),
        )
    codes = [diagnostic.code for diagnostic in caught.value.diagnostics]
    assert codes.count(Code.UNKNOWN_AXIS) == 2 and codes.count(Code.EXPRESSION) >= 2
    refused(Code.UNKNOWN_AXIS, lambda: run(live, axes=("offer.category,offer.theme",)))
    refused(Code.EXPRESSION, lambda: run(live, population="person.age > 1 or " * 2_000 + "true"))


def test_groups_count_what_the_offers_count(live: Workspace) -> None:
    made = run(live, n=3, axes=("offer.category", "offer.theme", "offer.margin", "person.country,offer.category"))
    (space,) = made.spaces
    groups = dict(space.groups)
    offers = {offer.offer: offer for offer in space.offers}
    by_category: dict[str, list[int]] = {}
    for offer in offers.values():
        if offer.contacts:
            counts = by_category.setdefault(offer.category, [0] * 3)
            by_category[offer.category] = [a + b for a, b in zip(counts, offer.by_rank, strict=True)]
    assert {tuple(group.values): list(group.by_rank) for group in groups["offer.category"]} == {
        (name,): counts for name, counts in by_category.items()
    }
    assert {group.values[0] for group in groups["offer.margin"]} <= {"2.5", "0.5", "(none)"}
    combined = groups["person.country, offer.category"]
    for group in groups["offer.category"]:
        parts = [part for part in combined if part.values[1] == group.values[0]]
        assert sum(part.contacts for part in parts) == group.contacts
        assert [sum(counts) for counts in zip(*(part.by_rank for part in parts), strict=True)] == list(group.by_rank)
        assert all(part.contacts <= part.whole for part in parts)


def test_ranks_have_a_least_a_greatest_and_a_mean() -> None:
    offer = OfferResult("a", "b", 5, [2, 0, 3])
    assert (offer.first_rank, offer.last_rank, offer.mean_rank) == (1, 3, 2.2)
    nothing = OfferResult("a", "b", 0, [0, 0])
    assert (nothing.first_rank, nothing.last_rank, nothing.mean_rank) == (None, None, None)


def test_what_is_kept_says_what_was_simulated_and_names_nobody(live: Workspace) -> None:
    request = SimulationRequest("shop", spaces=("web",), axes=("email", "person.country,offer.category"))
    with open_stage(live.session("ada"), "live") as engine:
        made, _ = simulate(engine, engine.people.of("shop", ""), request, AT)
        about = about_run(engine, request)
    save_simulation(live.session("omar"), "spring", made, about, replaced=False)
    (run_,) = simulations(live.session(), SimulationsRequest("read", ("spring",))).runs
    assert run_.actor == "omar" and run_.body is not None
    assert run_.body["about"]["revision"] > 0 and len(run_.body["about"]["digest"]) == 64
    assert run_.body["about"]["options"]["axes"] == list(request.axes)
    assert "example.com" not in str(run_.body)
    assert simulation_of(run_).spaces[0].axes[0][1] == [AxisValue("(other values)", 3, 0, [])]
    assert dict(simulation_of(run_).spaces[0].groups)["person.country, offer.category"] == []


def test_a_population_of_a_few_contacts_is_not_kept(live: Workspace) -> None:
    """Its counts would be those of single contacts, and all operators may see what is kept."""
    made = run(live, population="person.email = 'anna@example.com' or person.age > 0")
    refused(Code.SIMULATION_OPTIONS, lambda: save_simulation(live.session("omar"), "spring", made, {}, replaced=False))
    assert simulations(live.session(), SimulationsRequest()).runs == []
    whole = [replace(one, contacts=5) for one in made.spaces]
    save_simulation(live.session("omar"), "spring", replace(made, spaces=whole), {}, replaced=False)


def test_a_value_that_is_called_unknown_is_not_one_that_is_unknown(live: Workspace) -> None:
    (live.root / "people.csv").write_text(PEOPLE.replace(",FR", ",unknown"), encoding="utf-8")
    (web,) = run(live, axes=("person.country", "person.country,offer.category")).spaces
    sizes = {value.value: value.contacts for value in dict(web.axes)["person.country"]}
    assert set(sizes) == {"unknown", '"unknown"'} and sum(sizes.values()) == 3
    groups = dict(web.groups)["person.country, offer.category"]
    assert {group.values[0] for group in groups} == {*sizes}
    assert all(group.whole == sizes[group.values[0]] for group in groups)


def test_a_name_is_kept_once(live: Workspace) -> None:
    made = run(live)
    save_simulation(live.session("omar"), "spring", made, {}, replaced=False)
    refused(Code.SIMULATION_EXISTS, lambda: save_simulation(live.session("ada"), "spring", made, {}, replaced=False))
    refused(Code.NOT_ALLOWED, lambda: save_simulation(live.session("olga"), "spring", made, {}, replaced=True))
    save_simulation(live.session("ada"), "spring", made, {}, replaced=True)
    assert [kept.actor for kept in simulations(live.session(), SimulationsRequest()).runs] == ["ada"]
    refused(Code.NO_OPERATOR, lambda: save_simulation(live.session("nobody"), "other", made, {}, replaced=False))
    for name in ("", "a b", "x" * 101, "-x", "ü"):
        refused(Code.BAD_VALUE, lambda name=name: save_name(live, name, made))


@pytest.mark.parametrize("name", ["../x", "x" * 1_000, "=1+1", "é", "\0", "\ud800", "a\n", ""])
def test_names_that_nothing_can_have(live_shop: Workspace, name: str) -> None:
    """Also those that no database takes as a parameter."""
    refused(Code.BAD_VALUE, lambda: check_saving(live_shop.session("ada"), name, "shop", replaced=False))
    for action in ("read", "remove"):
        wish = SimulationsRequest(action, (name,))
        refused(Code.NO_SIMULATION, lambda wish=wish: simulations(live_shop.session("ada"), wish))
    if name:
        refused(Code.NO_MATCH, lambda: simulations(live_shop.session(), SimulationsRequest("list", (), name)))
    report = StatusReportRequest(("offer",), offers=(name,))
    refused(Code.NO_MATCH, lambda: status_report(live_shop.session(), report))


def test_one_that_was_removed_is_not_compared(live: Workspace) -> None:
    """A comparison reads both or says which is gone; what a restore finds stays."""
    made = run(live)
    for name in ("one", "two"):
        save_simulation(live.session("ada"), name, made, {}, replaced=False)
    backup = live.root / "backup.db"
    store_maintenance.copy(live.location, backup)
    simulations(live.session("ada"), SimulationsRequest("remove", ("two", "two")))
    refused(Code.NO_SIMULATION, lambda: simulations(live.session(), SimulationsRequest("read", ("one", "two"))))
    with restore.prepare_restore(live.session("ada"), backup) as found:
        restore.restore(found)
    assert [kept.name for kept in simulations(live.session(), SimulationsRequest()).runs] == ["one"]


def save_name(live: Workspace, name: str, made: Simulation) -> None:
    check_saving(live.session("ada"), name, made.environment, replaced=False)


def test_of_two_at_once_one_is_kept(live: Workspace) -> None:
    made, outcomes = run(live), list[str]()
    sessions = [live.session(who) for who in ("ada", "omar")]

    def save(number: int) -> None:
        try:
            save_simulation(sessions[number], "race", made, {}, replaced=False)
            outcomes.append("kept")
        except Refused as error:
            outcomes.append(error.diagnostics[0].code.name)

    threads = [threading.Thread(target=save, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["SIMULATION_EXISTS", "kept"]


def kept(name: str, simulation: Simulation, **options: Any) -> KeptSimulation:
    from dataclasses import asdict

    body = {"about": {"revision": 3, "digest": "d", "options": options}, "simulation": asdict(simulation)}
    return KeptSimulation(name, "shop", "live", "2026-03-01T12:00:00.000000Z", "ada", body)


def space(name: str, contacts: int, **offers: int) -> SpaceResult:
    rows = [OfferResult(offer, "bank", count, [count]) for offer, count in offers.items()]
    groups = [("offer.category", [GroupResult(["bank"], sum(offers.values()), contacts, [sum(offers.values())])])]
    return SpaceResult(name, contacts, [contacts - max(offers.values()), max(offers.values())], rows, (), groups)


def test_a_comparison_says_who_gains_and_who_loses() -> None:
    before = Simulation(
        "shop", "live", "now", 1, [space("shop/web", 100, gold=50, saver=20), space("shop/a", 1, gold=1)]
    )
    after = Simulation(
        "shop", "specs", "now", 1, [space("shop/web", 200, gold=150, safari=5), space("shop/b", 1, gold=1)]
    )
    compared = compare(kept("a", before), kept("b", after, population="person.age > 1"))
    (web,) = compared.spaces
    assert [(count.name, count.gained) for count in web.offers] == [("gold", 100), ("saver", -20), ("safari", 5)]
    assert (web.offers[0].share_before, web.offers[0].share_after) == (0.5, 0.75)
    assert (web.served.before, web.served.after) == (50, 150)
    assert [count.gained for _, counts in web.axes for count in counts] == [85]
    assert (compared.only_before, compared.only_after) == (["shop/a"], ["shop/b"])
    assert set(compared.differs) == {"number of contacts", "population"}
    assert compare(kept("a", before), kept("b", before, n=2)).differs == ["number of offers wanted"]


def test_runs_without_a_common_space_are_not_compared() -> None:
    one, other = (Simulation("shop", "live", "now", 1, [space(name, 1, gold=1)]) for name in ("shop/a", "shop/b"))
    with pytest.raises(Refused) as caught:
        compare(kept("a", one), kept("b", other))
    assert caught.value.diagnostics[0].code is Code.SIMULATIONS_APART
