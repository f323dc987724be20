"""What a decision case expects, compared with what was decided."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from offerkit.diagnostics import nearest, suggestion
from offerkit.engine.case_values import CaseError, decimal, known_keys, map_of, names_of, text_of
from offerkit.engine.decision import Decision
from offerkit.engine.reasons import DECIDED, Finding, Reason
from offerkit.rules.values import show

EXPECTATIONS = frozenset({"offers", "any_order", "weights", "out", "nothing", "reports", "refused"})
"""What ``expect`` may say."""
OUT_KEYS = frozenset({"why", "by", "says"})
"""What ``expect.out`` may say of an offer."""


def known_expectations(expected: Mapping[str, object]) -> None:
    """Raises CaseError when ``expect`` says nothing, or what no decision has."""
    known_keys(expected, EXPECTATIONS, "expect")
    if not expected:
        raise CaseError("expect says what must come of the case: offers, any_order, out, nothing, reports or refused")
    if "nothing" in expected:
        _reason(expected["nothing"])
    for out in map_of(expected.get("out", {}), "out").values():
        _out(out)


def compare(
    expected: Mapping[str, object], spaces: Sequence[str], decisions: Sequence[Decision], offers: Collection[str]
) -> list[str]:
    """What is not as expected, as sentences. The decisions are explained ones, one for each space.

    ``offers``: all there are, to tell a misspelt one from one that was left out.
    """
    found: list[str] = []
    for space, decision in zip(spaces, decisions, strict=True):
        here = f"{space}: " if len(spaces) > 1 else ""
        chosen = [offer.offer for offer in decision.chosen]
        for key in ("offers", "any_order"):
            if key in expected:
                wanted = _of_space(expected[key], space, key, several=len(spaces) > 1)
                same = chosen == wanted if key == "offers" else sorted(chosen) == sorted(wanted)
                if not same:
                    found.append(
                        f"{here}proposed {_list(chosen)}, expected {_list(wanted)}{_why_not(decision, wanted, offers)}"
                    )
    first = decisions[0]
    found += _weights(map_of(expected.get("weights", {}), "weights"), decisions)
    for offer, out in map_of(expected.get("out", {}), "out").items():
        found += _compare_out(offer, _out(out), decisions[-1]) if offer in offers else [_no_offer(offer, offers)]
    if "nothing" in expected and first.because is not _reason(expected["nothing"]):
        found.append(f"expected nothing, because of {_reason(expected['nothing'])}; it is {first.because or 'decided'}")
    said = [f"{report.code} {report.message}" for decision in decisions for report in decision.reports]
    if "reports" in expected:
        wanted_reports = names_of(expected["reports"], "reports")
        found += [f"no report says “{text}”" for text in wanted_reports if not any(text in one for one in said)]
        if not wanted_reports:
            found += [f"reported: {one}" for one in said]
    return found


def _of_space(value: object, space: str, where: str, *, several: bool) -> list[str]:
    if several:
        value = map_of(value, where).get(space, ())
    return list(names_of(value, where))


def _list(names: Sequence[str]) -> str:
    return ", ".join(names) if names else "nothing"


def _why_not(decision: Decision, wanted: Sequence[str], offers: Collection[str]) -> str:
    """Why what was expected is not there."""
    chosen = {offer.offer for offer in decision.chosen}
    reasons = []
    for offer in wanted:
        finding = _finding(decision, offer)
        if offer not in offers:
            reasons.append(_no_offer(offer, offers))
        elif offer not in chosen and finding is not None:
            reasons.append(f"{offer}: {finding.reason} ({finding.sentence})")
    return f"; {'; '.join(reasons)}" if reasons else ""


def _no_offer(name: str, offers: Collection[str]) -> str:
    near = nearest(name, offers, 1)
    return f"there is no offer {name}" + (f"; did you mean {near[0]}?" if near else "")


def _finding(decision: Decision, offer: str) -> Finding | None:
    """Why an offer is out; None when it is in."""
    trace = decision.trace
    if trace is None or trace.environment is not None:
        return trace.environment if trace is not None else None
    verdict = next((one for one in trace.verdicts if one.offer == offer), None)
    return verdict.out if verdict is not None else trace.slice.others if trace.slice is not None else None


def _weights(wanted: Mapping[str, object], decisions: Sequence[Decision]) -> list[str]:
    weights = {offer.offer: offer.weight for decision in decisions for offer in decision.chosen}
    found: list[str] = []
    for offer, value in wanted.items():
        number = decimal(value, f"the weight of {offer}")
        if weights.get(offer) != number:
            got = show(weights[offer]) if offer in weights else "not proposed"
            found.append(f"{offer} has weight {got}, expected {show(number)}")
    return found


def _compare_out(offer: str, wanted: tuple[Reason, str, str], decision: Decision) -> list[str]:
    reason, by, says = wanted
    finding = _finding(decision, offer)
    if finding is None:
        return [f"{offer} is proposed; expected to be out by {reason}"]
    if finding.reason is not reason:
        return [f"{offer} is out by {finding.reason} ({finding.sentence}), expected {reason}"]
    if by and not finding.address.endswith(by):
        return [f"{offer} is out by {finding.address}, expected {by}"]
    if says not in finding.sentence:
        return [f"{offer} is out because “{finding.sentence}”, which does not say “{says}”"]
    return []


def _out(value: object) -> tuple[Reason, str, str]:
    """A reason; or a reason with the address's end (``by``) and a part of the sentence (``says``)."""
    if isinstance(value, Mapping):
        data = map_of(value, "out")
        known_keys(data, OUT_KEYS, "out")
        return _reason(data.get("why")), text_of(data.get("by", ""), "by"), text_of(data.get("says", ""), "says")
    return _reason(value), "", ""


def _reason(value: object) -> Reason:
    text = text_of(value, "a reason")
    if text not in DECIDED:
        raise CaseError(f"“{text[:80]}” is not a reason. {suggestion(text, DECIDED)}".strip())
    return Reason(text)
