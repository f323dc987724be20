"""A project that is live in a copy, for as long as somebody looks."""

from __future__ import annotations

import pytest
from helpers.workspace import Workspace

from offerkit.diagnostics import Refused
from offerkit.usecases.catalogs import live_catalogs
from offerkit.usecases.demonstration import live_copy


def test_all_of_it_is_live_and_the_project_untouched(shop: Workspace, tmp_path_factory: pytest.TempPathFactory) -> None:
    before = {path.relative_to(shop.root) for path in shop.root.rglob("*")}
    copy = live_copy(shop.session("nobody", store_path=shop.location), tmp_path_factory.mktemp("copy"))
    with copy.existing() as store:
        catalog = live_catalogs(store)["shop"]
        assert {head for head in store.heads() if head.endswith("@live")} == {"shared@live", "shop@live"}
    assert {offer.name for offer in catalog.offers} == set(shop.files["specs/shop/offers.yaml"]["offers"])
    assert {path.relative_to(shop.root) for path in shop.root.rglob("*")} == before


def test_wrong_specs_are_told(shop: Workspace, tmp_path_factory: pytest.TempPathFactory) -> None:
    shop.change({"specs/shop/offers.yaml": {"offers": {"safari": {"category": "nowhere"}}}})
    with pytest.raises(Refused):
        live_copy(shop.session(), tmp_path_factory.mktemp("copy"))
