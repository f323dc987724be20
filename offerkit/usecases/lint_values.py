"""What ``lint`` finds about values: what rules and texts read and nothing gives, and what nothing reads."""

from __future__ import annotations

import re
from collections.abc import Iterator

from offerkit.address import Kind, environment_address
from offerkit.diagnostics import Code, Severity, and_list
from offerkit.engine.call_facts import texts_in
from offerkit.engine.catalog import Catalog
from offerkit.engine.resources import CompiledOffer
from offerkit.fingerprint import Json, JsonMap, JsonPath, json_map
from offerkit.governance.bound_reads import EVERY, template_reads
from offerkit.models.space import Space
from offerkit.rules.resolve import written
from offerkit.usecases.lint_findings import Agreed, LintFinding, LintPlace, LintScope


def never_stored(scope: LintScope) -> Iterator[LintFinding]:
    """Presentation rules that count by data or products that nothing stores as the catalog is now."""
    catalog = scope.catalog
    bodies = [scope.view(address) or {} for address in scope.view.of_kind(Kind.SPACE, catalog.environment)]
    storages = [Space.model_validate(body).storage for body in bodies] if catalog.seldom_read else []
    stored = {name for storage in storages if storage.enabled for _, data in storage.data for name in data}
    dynamic = any(map(_is_dynamic, catalog.offers))
    for rule in catalog.rules:
        place = LintPlace(rule.address, ("counted", "when"))
        for name in rule.counts_by("stored"):
            if name not in stored:
                yield _counts_by(
                    f"stored.{name}", rule.name, place, "Only spaces that store no propositions declare it."
                )
        for name in rule.counts_by("product"):
            if not dynamic:
                yield _counts_by(f"product.{name}", rule.name, place, "No offer is dynamic, so no product is stored.")


def _counts_by(name: str, rule: str, place: LintPlace, why: str) -> LintFinding:
    return LintFinding(
        Code.NEVER_STORED,
        f"rule {rule} counts by {name}, which nothing stores",
        place,
        f"{why} It is unknown, unless it was stored before.",
        "Store it, or leave it out of the condition.",
        Severity.NOTE,
    )


def unread_fields(scope: LintScope) -> Iterator[LintFinding]:
    """Declared fields of offers that nothing in the environment reads; hooks that get whole offers read all of them."""
    catalog = scope.catalog
    if not catalog.offer_fields or any(map(_is_dynamic, catalog.offers)):
        return
    if any(space.post_processing for space in catalog.spaces.values()):
        return
    read = _fields_read(scope, catalog)
    for name in catalog.offer_fields if EVERY not in read else ():
        if name not in read:
            yield LintFinding(
                Code.UNREAD_FIELD,
                f"nothing reads the field “{name}” of offers",
                LintPlace(environment_address(catalog.environment), ("offer_fields", name), on_key=True),
                "No condition, formula, text, policy or hook does. Reports and simulations can still group by it.",
                f"Read it as {written('offer', name)}, or remove it.",
                Severity.NOTE,
            )


def _fields_read(scope: LintScope, catalog: Catalog) -> set[str]:
    """The declared fields that texts of the environment read, and maybe more."""
    names = "|".join(map(re.escape, catalog.offer_fields))
    reads = re.compile(rf"\b(?:offer|before)\W+({names})\b")
    found: set[str] = set()
    for address in scope.view.entries:
        if address.environment == catalog.environment:
            texts = [text for text in texts_in(scope.view(address)) if "offer" in text or "before" in text]
            found.update(name for text in texts for name in reads.findall(text))
            found |= template_reads(texts, "offer")
    return found


def never_products(scope: LintScope) -> Iterator[LintFinding]:
    """Texts that read values of products, of offers that never become any, and of spaces where no offer does."""
    catalog = scope.catalog
    if not catalog.product_fields:
        return
    if not any(map(_is_dynamic, catalog.offers)):
        for address in scope.view.of_kind(Kind.SPACE, catalog.environment):
            for output, text in json_map((scope.view(address) or {}).get("render")).items():
                yield from _no_product(LintPlace(address, ("render", output)), text, "No offer is dynamic.")
    agreed = Agreed()
    for offer in catalog.offers:
        for layer in offer.layers:
            for path, text in _texts_of(layer.body):
                place = LintPlace(layer.address, path)
                for finding in _no_product(place, text, "No weight of the offer is dynamic."):
                    agreed.add(finding.code, place, None if _is_dynamic(offer) else finding)
    yield from agreed.findings()


def _no_product(place: LintPlace, text: Json, why: str) -> Iterator[LintFinding]:
    names = sorted(template_reads([text], "product") - {EVERY}) if isinstance(text, str) else []
    are = "are" if len(names) > 1 else "is"
    if names:
        yield LintFinding(
            Code.NEVER_PRODUCT,
            f"the text reads {and_list([f'product.{name}' for name in names])}, which {are} always unknown",
            place,
            f"{why} So there is no product whose values the text could show.",
            "Give a weight its dynamic-offer hook (dynamic: HOOK), or take it out of the text.",
            Severity.NOTE,
        )


def _texts_of(body: JsonMap) -> Iterator[tuple[JsonPath, Json]]:
    for name, text in json_map(body.get("content")).items():
        yield ("content", name), text
    for space, texts in json_map(body.get("representations")).items():
        for name, text in json_map(texts).items():
            yield ("representations", space, name), text


def _is_dynamic(offer: CompiledOffer) -> bool:
    return any(weight.dynamic for weight in offer.weights)
