"""Who may read contacts: everybody where they are; through a server those who have the right, as applied."""

from __future__ import annotations

import pytest
from helpers.workspace import Workspace

from offerkit.usecases.contact_access import ContactRights, contact_rights, operator_rights

ENVIRONMENT = "environments/shop.yaml"


def right(shop: Workspace, operator: str, environment: str = "shop", dimension: str = "person") -> bool:
    with shop.store() as store:
        return contact_rights(shop.session(operator, through_server=True), store).may_read(environment, dimension)


@pytest.fixture
def known(shop: Workspace) -> Workspace:
    shop.change({"specs/shared.yaml": {"operators": {"otto": {"profile": "administrator", "enabled": False}}}})
    shop.apply("ada")
    return shop


def test_the_profiles_that_work_with_people_may(known: Workspace) -> None:
    assert [right(known, name) for name in ("ada", "dora", "omar")] == [True, True, False]
    assert right(known, "ada", "anything", "at all")


@pytest.mark.parametrize("name", ["", "nobody", "otto"])
def test_who_is_nobody_or_disabled_may_not(known: Workspace, name: str) -> None:
    assert not right(known, name)


def test_nobody_may_while_there_is_no_operator(shop: Workspace) -> None:
    assert operator_rights(None, "ada") == ContactRights()
    shop.change(
        {
            "specs/shared.yaml": {"operators": None},
            "specs/shop/catalog.yaml": {"templates": {"plain": {"reviewers": None}}},
        }
    )
    shop.change({"specs/shop/offers.yaml": {"offers": {"gold-card": None}}})
    shop.apply("")
    assert not right(shop, "ada") and not right(shop, "")


def test_where_the_contacts_are_nothing_is_asked(known: Workspace) -> None:
    with known.store() as store:
        assert contact_rights(known.session("omar"), store).may_read("shop", "person")
    assert contact_rights(known.session(""), None).may_read("shop", "person")


def test_an_environment_names_readers_of_its_own_contacts(known: Workspace) -> None:
    known.change({ENVIRONMENT: {"environment": {"contacts": {"readers": ["omar"]}}}})
    assert not right(known, "omar")
    known.apply("ada")
    assert right(known, "omar")
    assert not right(known, "omar", "other")
    assert not right(known, "omar", dimension="staff")


def test_a_reader_must_be_an_operator(known: Workspace) -> None:
    known.change({ENVIRONMENT: {"environment": {"contacts": {"readers": ["omra"]}}}})
    with pytest.raises(Exception, match="omra"):
        known.plan()
