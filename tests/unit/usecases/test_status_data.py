"""What a space stores when a proposition's status changes: every status, over every way that sets one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from xml.sax.saxutils import quoteattr

import pytest
from helpers.serving import client, with_people
from helpers.workspace import Workspace
from starlette.testclient import TestClient

from offerkit.diagnostics import Refused
from offerkit.store import PropositionRow, Store
from offerkit.usecases.catalogs import live_catalogs
from offerkit.usecases.contact_erasure import erase_contact
from offerkit.usecases.contact_sources import ContactSources
from offerkit.usecases.requests import ContactRequest
from offerkit.usecases.update_status import StatusUpdate, prepare_update

pytestmark = pytest.mark.embedded

STORAGE: dict[str, Any] = {
    "proposed_data": {"age": "person.age"},
    "accepted_data": {"page": "interaction.page"},
    "status_data": {
        "rejected": {"reason": "interaction.reason", "was": "proposition.weight", "code": "offer.code"},
        "interested": {"page": "interaction.page"},
    },
}
CALL_DATA = {"page": {"type": "string"}, "reason": {"type": "enumeration", "values": ["price", "other"]}}


def served(shop: Workspace, **storage: Any) -> Workspace:
    with_people(shop)
    shop.change({"environments/shop.yaml": {"environment": {"call_data": CALL_DATA}}})
    shop.change({"specs/shop/spaces.yaml": {"spaces": {"web": {"storage": {**STORAGE, **storage}}}}})
    return shop


def proposed(asking: TestClient) -> str:
    answer = asking.post("/api/v1/propose", json={"spaces": ["shop/web"], "contact": "ann@example.com"}).json()
    return str(answer["spaces"][0]["propositions"][0]["id"])


def updated(asking: TestClient, id_: str, status: str, **data: Any) -> int:
    body = {"proposition": id_, "status": status, "data": data}
    return asking.post("/api/v1/update", json=body).status_code


def row(shop: Workspace, id_: str) -> PropositionRow:
    with shop.store() as store:
        found = store.proposition(id_)
    assert found is not None
    return found


def test_every_status_keeps_its_own(shop: Workspace) -> None:
    served(shop).go_live()
    with client(shop) as asking:
        first, second = proposed(asking), proposed(asking)
        assert updated(asking, first, "interested", page="/cards") == 200
        assert updated(asking, first, "rejected", reason="price") == 200
        assert updated(asking, second, "accepted", page="/yes") == 200
        assert updated(asking, second, "accepted", page="/again") == 200
    no, yes = row(shop, first), row(shop, second)
    assert (no.proposed, no.accepted) == ({"age": 41}, {})
    assert no.statuses == {
        "interested": {"page": "/cards"},
        "rejected": {"code": "gold-card", "reason": "price", "was": "10"},
    }
    assert (yes.accepted, yes.statuses) == ({"page": "/yes"}, {})


def test_call_data_is_checked_before_anything_is_stored(shop: Workspace) -> None:
    served(shop).go_live()
    with client(shop) as asking:
        id_ = proposed(asking)
        assert updated(asking, id_, "rejected", reason="bored") == 422
        assert updated(asking, id_, "rejected", raeson="price") == 422
        assert row(shop, id_).status == "presented"
        assert asking.get(f"/o?a=UpdateStatus&p={id_}&st=5").status_code == 204
    found = row(shop, id_)
    assert (found.status, found.statuses["rejected"]["reason"]) == ("rejected", None), "a link passes no call data"


def test_over_soap(shop: Workspace) -> None:
    served(shop).go_live()
    with client(shop) as asking:
        id_ = proposed(asking)
        context = f"<interaction reason={quoteattr('other')}/>"
        parts = f"<proposition>{id_}</proposition><status>5</status><context>{context}</context>"
        body = f'<UpdateStatus xmlns="urn:nms:interaction">{parts}</UpdateStatus>'
        envelope = f'<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"><e:Body>{body}</e:Body></e:Envelope>'
        assert asking.post("/interaction/shop/web", content=envelope).status_code == 200
    assert row(shop, id_).statuses["rejected"]["reason"] == "other"


def test_a_space_that_accepts_with_another_status(shop: Workspace) -> None:
    data = {"interested": None, "accepted": {"page": "interaction.page"}}
    served(shop, accepted="interested", status_data={**STORAGE["status_data"], **data}).go_live()
    with client(shop) as asking:
        id_ = proposed(asking)
        assert updated(asking, id_, "interested", page="/first") == 200
        assert updated(asking, id_, "accepted", page="/second") == 200
    assert (row(shop, id_).accepted, row(shop, id_).statuses) == ({"page": "/first"}, {"accepted": {"page": "/second"}})


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({"accepted": {"x": "1"}}, "for the same status; write the data in one of them"),
        ({"rejected": {"x": "interaction.pgae"}}, "interaction.page"),
        ({"presented": {"x": "1"}}, "presented"),
        ({"rejected": {"a b": "1"}}, "is not a name"),
    ],
)
def test_mistakes_are_named(shop: Workspace, data: Any, says: str) -> None:
    served(shop, status_data=data)
    with pytest.raises(Refused) as told:
        shop.plan()
    texts = [f"{one.summary} {one.detail} {one.hint}" for one in told.value.diagnostics]
    assert any(says in text for text in texts), texts


def test_what_was_read_for_a_contact_that_is_erased_meanwhile_is_not_stored(shop: Workspace) -> None:
    """A server prepares the change, the contact is erased, and then the change is written."""
    served(shop, status_data={"interested": {"who": "person.id"}}).go_live()
    with client(shop) as asking:
        id_ = proposed(asking)
    with Store.open(shop.location, write=True) as store:
        catalogs = live_catalogs(store)
        update = StatusUpdate(id_, "interested", {}, datetime.now(UTC))
        with ContactSources(catalogs, shop.root, {}) as sources:
            prepared, _ = prepare_update(catalogs, sources, store, update)
        assert prepared.data is not None and prepared.data.data == {"who": 1}
        erase_contact(shop.session("ada"), ContactRequest("1"))
        assert prepared.write(store).changed, "the answer still counts"
    assert row(shop, id_).statuses == {}
