"""Reports, exports and kept simulations through a server: the same as where the store is, and who may see what."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
from helpers.far import far_session
from helpers.serving import client, with_people
from helpers.tokens import token
from helpers.ui import browser, log_in
from helpers.workspace import Workspace
from starlette.testclient import TestClient

from offerkit.diagnostics import Code, Refused
from offerkit.engine.simulation import OfferResult, Simulation, SpaceResult
from offerkit.models.status import Status
from offerkit.store import PropositionRow, Store
from offerkit.usecases.export_propositions import export_page
from offerkit.usecases.keep_simulations import save_simulation, simulation_of, simulations
from offerkit.usecases.requests import ExportRequest, SimulationsRequest, StatusReportRequest
from offerkit.usecases.session import Session
from offerkit.usecases.show import whole_resource
from offerkit.usecases.status_report import status_report

ASKING: list[TestClient] = []


def row(number: int, offer: str = "safari", status: Status = Status.PRESENTED) -> PropositionRow:
    time = f"2026-03-{1 + number % 28:02}T12:00:00.000000Z"
    texts = (f"p-{number}", "shop", str(1 + number % 3), "web", "inbound-web", offer, "bank", f"call-{number}")
    return PropositionRow(*texts, 1, Decimal(1), status, time, time, 1)


@pytest.fixture
def live(shop: Workspace) -> Workspace:
    shop.change({"specs/shared.yaml": {"operators": {"olga": {"profile": "offer-manager"}}}})
    with_people(shop).go_live()
    with Store.open(shop.location, write=True) as store:
        store.add_propositions([row(number) for number in range(6)])
        store.add_propositions([row(7, "gold-card", Status.ACCEPTED), row(8, "gone", Status.REJECTED)])
    return shop


@pytest.fixture
def far(live: Workspace) -> Iterator[Workspace]:
    with client(live) as asking:
        ASKING[:] = [asking]
        yield live
    ASKING.clear()


def session(far: Workspace, operator: str, *scopes: str) -> Session:
    return far_session(far, ASKING[0], operator, *scopes)


def refused(code: Code, run: Any) -> None:
    with pytest.raises(Refused) as caught:
        run()
    assert [diagnostic.code for diagnostic in caught.value.diagnostics] == [code]


@pytest.mark.parametrize(
    "request_",
    [
        StatusReportRequest(),
        StatusReportRequest(("date", "offer"), "2026-03-02", "2026-03-20"),
        StatusReportRequest(("category,theme",), categories=("bank",)),
        StatusReportRequest(("space",), spaces=("web",), offers=("shop/offer.safari",)),
    ],
)
def test_a_report_is_the_same(far: Workspace, request_: StatusReportRequest) -> None:
    here = status_report(far.session("ada"), request_)
    assert status_report(session(far, "olga"), request_) == here
    assert here.total.proposed


def test_one_report_at_a_time_by_page_or_api(live: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counting takes the database a while: a page waits for a report of the API, and the other way round."""
    begun, go_on, running, most = threading.Event(), threading.Event(), [0], [0]
    real = Store.report

    def slowly(store: Store, query: Any) -> Any:
        running[0] += 1
        most[0] = max(most[0], running[0])
        begun.set()
        assert go_on.wait(20)
        yield from real(store, query)
        running[0] -= 1

    monkeypatch.setattr(Store, "report", slowly)
    with browser(live) as asking, ThreadPoolExecutor(2) as threads:
        log_in(asking, token(live, "ada"))
        headers = {"Authorization": f"Bearer {token(live, 'ada')}"}
        first = threads.submit(asking.get, "/ui/report")
        assert begun.wait(20)
        second = threads.submit(asking.post, "/api/v1/store/report", json={}, headers=headers)
        with pytest.raises(TimeoutError):
            second.result(0.1)
        go_on.set()
        assert (first.result(20).status_code, second.result(20).status_code) == (200, 200)
    assert most == [1]


def test_mistakes_in_a_report_are_told(far: Workspace) -> None:
    refused(Code.UNKNOWN_GROUP, lambda: status_report(session(far, "ada"), StatusReportRequest(("spce",))))
    refused(
        Code.LISTING_OPTIONS,
        lambda: status_report(session(far, "ada"), StatusReportRequest((), "2027-01-01", "2026-01-01")),
    )


def test_only_readers_of_contacts_export(far: Workspace) -> None:
    lines, request = [], ExportRequest()
    while (page := export_page(session(far, "ada"), request)).lines or page.more:
        lines += page.lines
        request = ExportRequest(page.cursor)
    assert sorted(line["id"] for line in lines) == sorted(f"p-{number}" for number in (*range(6), 7, 8))
    assert lines == export_page(far.session(), ExportRequest()).lines
    refused(Code.NOT_A_READER, lambda: export_page(session(far, "olga"), ExportRequest()))
    refused(Code.NOT_A_READER, lambda: export_page(session(far, "olga"), ExportRequest(environment="shop")))
    far.change({"environments/shop.yaml": {"environment": {"contacts": {"readers": ["olga"]}}}})
    far.apply("ada")
    assert len(export_page(session(far, "olga"), ExportRequest(environment="shop")).lines) == 8
    refused(Code.NOT_A_READER, lambda: export_page(session(far, "olga"), ExportRequest()))


@pytest.mark.parametrize(
    "cursor",
    ["2026-03-01", "ofc1.", "ofc1.e30", "ofc1.!!", "ofc1." + "A" * 3_000, "ofc1.eyJlbnZpcm9ubWVudCI6IiJ9", "OFC1.x"],
)
def test_what_is_no_cursor_is_refused(far: Workspace, cursor: str) -> None:
    refused(Code.BAD_CURSOR, lambda: export_page(session(far, "ada"), ExportRequest(cursor)))
    refused(Code.BAD_CURSOR, lambda: export_page(far.session("ada"), ExportRequest(cursor)))


def test_a_cursor_belongs_to_an_environment_and_a_log(far: Workspace) -> None:
    cursor = export_page(far.session(), ExportRequest()).cursor
    refused(Code.BAD_CURSOR, lambda: export_page(far.session(), ExportRequest(cursor, "shop")))
    with Store.open(far.location, write=True) as store, store.recording():
        store.database.run("DELETE FROM proposition_change")
    refused(Code.CURSOR_GONE, lambda: export_page(far.session(), ExportRequest(cursor)))
    assert len(export_page(far.session(), ExportRequest()).lines) == 8  # the log begins again


def test_kept_simulations_are_listed_read_and_removed(far: Workspace) -> None:
    made = Simulation("shop", "live", "2026-03-01 12:00 UTC", 1, [])
    save_simulation(far.session("omar"), "spring", made, {"digest": "d"}, replaced=False)
    assert [run.name for run in simulations(session(far, "olga"), SimulationsRequest()).runs] == ["spring"]
    (run,) = simulations(session(far, "olga"), SimulationsRequest("read", ("spring",))).runs
    assert (simulation_of(run), run.actor) == (made, "omar")
    for name, code in (("spring", Code.NOT_ALLOWED), ("sprung", Code.NO_SIMULATION)):
        refused(code, lambda name=name: simulations(session(far, "olga"), SimulationsRequest("remove", (name,))))
    reading = session(far, "ada", "read")
    refused(Code.TOKEN_SCOPE, lambda: simulations(reading, SimulationsRequest("remove", ("spring",))))
    assert [run.name for run in simulations(session(far, "ada"), SimulationsRequest("remove", ("spring",))).runs]
    assert simulations(session(far, "ada"), SimulationsRequest()).runs == []


def test_a_resource_is_shown_with_the_simulations_that_counted_it(far: Workspace) -> None:
    for name, offers in (("spring", ["saver", "safari"]), ("autumn", ["saver"])):
        results = [OfferResult(offer, "bank", 0, [0]) for offer in offers]
        made = Simulation("shop", "live", "2026-03-01 12:00 UTC", 1, [SpaceResult("web", 3, [3, 0], results)])
        save_simulation(far.session("omar"), name, made, {"digest": "d"}, replaced=False)
    shown = whole_resource(session(far, "olga"), "shop/offer.safari")
    assert [each.address for each in shown.referring if each.way == "counted it"] == ["simulation spring"]
    assert shown == whole_resource(far.session("olga"), "shop/offer.safari"), "as where the store is"
