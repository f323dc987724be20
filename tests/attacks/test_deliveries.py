"""What messages carry is live, approved, and not stopped: in slots, in cells, in outlines, and where a field names the offer."""

from __future__ import annotations

import json

import pytest
from attacking import Session, SetupError, broken_if, variants

WAYS = {
    "slots": {
        "slots": [{"name": "hero", "space": "newsletter", "outline": "plain", "show_nothing_where_missing": True}],
        "body": {"text": "{{ slots.hero }}"},
    },
    "engine": {
        "slots": [{"name": "hero", "space": "newsletter", "engine": {"count": 2}, "show_nothing_where_missing": True}],
        "body": {"text": "{{ slots.hero }}"},
    },
    "field": {"space": "newsletter", "offer_from": "recipient.best", "show_nothing_where_missing": True},
    "data": {
        "space": "newsletter",
        "data": ["best"],
        "offer_from": "interaction.best",
        "show_nothing_where_missing": True,
    },
    "cells": {
        "space": "newsletter",
        "cells": [{"when": "recipient.age > 0", "offer_from": "recipient.best", "limit": 5}],
        "show_nothing_where_missing": True,
    },
    "outline": {"space": "newsletter", "outline": "all", "count": 1, "show_nothing_where_missing": True},
}


@pytest.fixture
def sending(team: Session) -> Session:
    """saver is live on the newsletter, and a delivery of each kind carries it."""
    team.files["data/contacts.csv"] = (
        "id,email,first_name,country,age,consent,best\n1,ana@example.com,Ana,NO,34,true,saver\n"
    )
    team.save("data/run.csv", "id,best\n1,saver\n")
    team.edit(
        dimensions={"recipient": {"fields": {"best": {}}}},
        environment={"call_data": {"best": {}}},
        typologies={"sparing": {"label": "Sparing", "rules": ["accepted"]}},
        offers={"saver": {"spaces": ["newsletter", "web-home", "app"]}},
    )
    team.do("ada", "apply --yes")
    for who in ("omar", "brand", "risk"):
        team.attempt(who, "approve offer.*")
    team.do("alan", "promote --yes")
    team.edit(
        campaigns={
            "june": {
                "outlines": {"all": {"offers": ["saver"], "typology": "sparing"}, "plain": {"offers": ["saver"]}},
                "deliveries": {name: {"label": name, **body} for name, body in WAYS.items()},
            }
        }
    )
    team.do("dora", "apply --yes")
    return team


def delivered(team: Session, way: str) -> str:
    """What the delivery's files say."""
    folder = team.root / f"made-{way}-{team.serial()}"
    data = " --data-from data/run.csv" if way == "data" else ""
    done = team.run("dora", f"deliver june/{way} --out {folder.name}{data}")
    if done.code and "no longer live" not in done.err:
        raise SetupError(done.err)
    return "".join(path.read_text(encoding="utf-8") for path in sorted(folder.rglob("*")) if path.is_file())


@pytest.mark.parametrize("way", variants(WAYS, quick=2))
def test_honest_delivery(sending: Session, way: str) -> None:
    broken_if("Save" not in delivered(sending, way), "what is live is not sent")


@pytest.mark.parametrize("way", variants(WAYS, quick=2))
def test_a_stopped_offer_is_sent(sending: Session, way: str) -> None:
    """It was stopped after the campaign named it; and the space was."""
    sending.do("olga", "stop recipients/offer.saver --message Wrong")
    broken_if("Save" in delivered(sending, way), "a stopped offer is sent")


@pytest.mark.parametrize("way", variants(["field", "data", "cells", "engine", "slots", "outline"], quick=2))
def test_what_was_never_approved_for_the_space(sending: Session, way: str) -> None:
    """loan is live, but not on the newsletter: its author puts it there, and nobody approves that content."""
    sending.files["data/contacts.csv"] = sending.files["data/contacts.csv"].replace("saver", "loan")
    sending.save("data/run.csv", "id,best\n1,loan\n")
    sending.edit(offers={"loan": {"spaces": ["newsletter", "web-home", "app"], "weights": [{"weight": 99}]}})
    sending.do("omar", "apply --yes offer.*")
    sending.attempt("omar", "approve recipients/offer.loan", "promote --yes")
    sending.edit(
        campaigns={
            "june": {
                "outlines": {"all": {"offers": ["loan"]}, "plain": {"offers": ["loan"]}},
            }
        }
    )
    sending.attempt("dora", "apply --yes")
    broken_if("Borrow" in delivered(sending, way), "what nobody approved for the space is sent")


@pytest.mark.parametrize("way", variants(["field", "slots", "data", "cells", "engine", "outline"], quick=1))
def test_a_rejected_text_is_sent(sending: Session, way: str) -> None:
    """Its text on the newsletter is rejected while it is live, and the edit that takes it off waits."""
    sending.edit(offers={"saver": {"content": {"title": "Mine"}}})
    sending.do("omar", "apply --yes offer.*")
    sending.attempt("omar", "approve recipients/offer.saver", "promote --yes")
    sent = delivered(sending, way)
    broken_if("Mine" in sent, "a text that nobody approved is sent")
    broken_if(json.dumps("Mine") in sending.run("dora", "propositions --format json").out, "it is stored")


NAMING = {
    "slot": {"slots": [{"name": "hero", "space": "newsletter", "offers": ["saver"]}]},
    "cell of a slot": {
        "slots": [{"name": "hero", "space": "newsletter", "cells": [{"when": "recipient.age > 0", "offer": "saver"}]}]
    },
    "outline with a typology": {"space": "newsletter", "outline": "all", "count": 1},
}


@pytest.mark.parametrize("way", variants(NAMING, quick=1))
def test_a_saved_campaign_names_what_is_retired_meanwhile(sending: Session, way: str) -> None:
    """saver, or the typology of the outline, is gone when a plan is applied that claims to rely on nothing."""
    outlines = {"all": {"offers": ["saver"], "typology": "sparing"}}
    sending.edit(campaigns={"july": {"outlines": outlines, "deliveries": {"first": NAMING[way]}}})
    sending.do("dora", "plan --out plans/p.json")
    sending.edit(campaigns=None)
    gone = {"typologies": {"sparing": None}} if "typology" in way else {"offers": {"saver": None}}
    sending.edit(**gone)
    sending.do("ada", "apply --yes")
    sending.do("alan", "promote --yes")
    sending.forge("plans/p.json", lambda plan: plan.update(base=[], depends=[]))
    sending.attempt("dora", "apply plans/p.json --yes")
    broken_if(sending.live()["campaign.july"], "a campaign is live that names what is not")
