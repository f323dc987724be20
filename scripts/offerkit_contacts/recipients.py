"""data/contacts/recipients.csv: twenty-one people made by hand, each for a reason, then three thousand others."""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import NamedTuple

from offerkit_contacts.names import COUNTRIES, Country

TODAY = date(2026, 11, 23)
"""The day on which ages are right."""
COUNT = 3000
FIELDS = (
    "id", "email", "phone", "first_name", "last_name", "birth_date", "age", "language", "country", "city", "segment",
    "customer_since", "products", "score", "monthly_income", "savings_balance", "interests", "frequent_flyer_tier",
    "frequent_flyer_miles", "trips_last_year", "consent_email", "consent_sms", "consent_profiling", "complaint_open",
    "last_login",
)  # fmt: skip


class Person(NamedTuple):
    """A contact by hand: who it is, and every field that is not as in ``_USUAL``."""

    id: int
    name: str
    given: Mapping[str, str]


_USUAL = {
    "birth_date": "1990-06-15", "language": "fr", "country": "FR", "city": "Paris", "segment": "mass",
    "customer_since": "2021-03-01", "products": "AC-CURRENT", "score": "0.5", "monthly_income": "2800",
    "savings_balance": "6000", "interests": "culture|nature", "frequent_flyer_tier": "none",
    "frequent_flyer_miles": "0", "trips_last_year": "1", "consent_email": "true", "consent_sms": "true",
    "consent_profiling": "true", "complaint_open": "false", "last_login": "2026-11-20T08:15:00",
}  # fmt: skip
_NOTHING = dict.fromkeys(_USUAL, "")

PEOPLE = (
    # The one for trying things out: nearly every offer is for her.
    Person(1, "Ana Moreau", {"segment": "affluent", "score": "0.72", "monthly_income": "4200", "interests":
           "city|culture|nature", "savings_balance": "24500.5", "trips_last_year": "4", "frequent_flyer_tier": "gold",
           "frequent_flyer_miles": "48200"}),
    # A minor: the environment's condition leaves him out.
    Person(2, "Leo Petit", {"birth_date": "2010-05-02", "segment": "young", "monthly_income": ""}),
    # Refused personal recommendations.
    Person(3, "Mia Bernard", {"consent_profiling": "false"}),
    # Was never asked: unknown is not a yes.
    Person(4, "Tom Garnier", {"consent_profiling": ""}),
    # Has an open complaint: gets nothing until it is closed.
    Person(5, "Eva Lambert", {"complaint_open": "true"}),
    # Nothing but a number and an address is known: not even an adult for sure.
    Person(6, "Nil", _NOTHING),
    # An adult who agreed, and nothing else is known: whatever asks for more is not for him.
    Person(7, "Max Roux", {**_NOTHING, "age": "41", "consent_profiling": "true"}),
    # Flies all the time and lives in France: the rules about Canada are about her.
    Person(8, "Zoé Lefèvre", {"frequent_flyer_tier": "platinum", "frequent_flyer_miles": "212000", "trips_last_year":
           "11", "segment": "affluent", "monthly_income": "7100", "interests": "nature|snow|wildlife"}),
    # Lives in Canada and is affluent: the Rockies are no journey for her. Her login has a zone of its own.
    Person(9, "Kim Tremblay", {"country": "CA", "city": "Québec", "segment": "affluent", "frequent_flyer_tier": "gold",
           "last_login": "2026-11-21T23:30:00-05:00"}),
    # Lives in the United States: nobody is offered a journey home. Speaks English.
    Person(10, "Sam Walker", {"country": "US", "city": "Boston", "language": "en"}),
    # Lives in Norway, whose code some YAML readers take for “no”. No field of hers is false because of it.
    Person(11, "Åse Ødegård", {"country": "NO", "city": "Tromsø", "language": "en", "interests": "snow|wildlife"}),
    # Has a birthday every four years.
    Person(12, "Ida Simon", {"birth_date": "2000-02-29", "segment": "mass"}),
    # Holds every product that we would offer.
    Person(13, "Jan Dubois", {"products": "AC-CURRENT|AC-YOUNG|CC-GOLD|CC-PLAT|CR-HOME|CR-TRIP|SV-PLUS"}),
    # Private banking, and a large balance, to the cent.
    Person(14, "Eve Schäfer", {"country": "LU", "city": "Luxembourg", "language": "de", "segment": "private",
           "monthly_income": "18500", "savings_balance": "1250000.05", "score": "0.91", "birth_date": "1958-01-31"}),
    # A name that breaks pages which do not escape it.
    Person(15, "Sean <b>\"Séan\"</b> & O'Brien", {"country": "GB", "city": "Bath", "language": "en"}),
    # Has no e-mail address: known by the customer number only.
    Person(16, "Ugo Hébert", {"email": "", "consent_email": "false", "birth_date": "1951-12-24", "segment": "mass"}),
    # Has said that nothing interests him: a list that is empty, which is not unknown.
    Person(17, "Lou Martin", {"interests": "[]", "products": "[]"}),
    # Nineteen, a customer for three days: for the Compte Jeune, not yet for the savings offer.
    Person(18, "Lia Durand", {"birth_date": "2007-04-09", "segment": "young", "customer_since": "2026-11-20",
           "monthly_income": "1450", "savings_balance": "300"}),
    # Comes of age tomorrow.
    Person(19, "Ben Wolf", {"birth_date": "2008-11-24", "country": "DE", "city": "Köln", "language": "de"}),
    # On every limit: seventy until tomorrow, score 0.4, income 2500, savings 20000, four journeys, 180 days.
    Person(20, "Pia Gruber", {"birth_date": "1955-11-24", "score": "0.4", "monthly_income": "2500", "savings_balance":
           "20000", "trips_last_year": "4", "customer_since": "2026-05-27", "country": "BE", "city": "Namur"}),
    # The customer of the example in specs/recipients/spaces/call-center.yaml: 20417|1984-02-29.
    Person(20417, "Noa Müller", {"birth_date": "1984-02-29", "country": "CH", "city": "Genève"}),
)  # fmt: skip


def rows() -> Iterator[list[str]]:
    """All rows, by customer number."""
    for person in PEOPLE[:-1]:
        yield _by_hand(person)
    dice = random.Random(20261123)  # noqa: S311 - the same data on every run
    for number in range(len(PEOPLE), len(PEOPLE) + COUNT):
        yield _cells(_anyone(number, dice))
    yield _by_hand(PEOPLE[-1])


def age(born: date, on: date = TODAY) -> int:
    """Full years."""
    return on.year - born.year - ((on.month, on.day) < (born.month, born.day))


def _by_hand(person: Person) -> list[str]:
    first, _, last = person.name.partition(" ")
    row = {
        **_USUAL, "id": str(person.id), "email": f"{plain(first)}@example.com", "phone": f"+3319900{person.id:05}",
        "first_name": first, "last_name": last, "age": "",
    } | person.given  # fmt: skip
    if person.given is _NOTHING:
        row |= {"first_name": "", "phone": ""}
    if row["birth_date"]:
        row["age"] = str(age(date.fromisoformat(row["birth_date"])))
    return _cells(row)


def _cells(row: Mapping[str, str]) -> list[str]:
    return [row[name] for name in FIELDS]


def _anyone(number: int, dice: random.Random) -> dict[str, str]:
    code = dice.choices(list(COUNTRIES), [country.share for country in COUNTRIES.values()])[0]
    country = COUNTRIES[code]
    born = TODAY - timedelta(days=dice.randrange(16 * 365, 88 * 365))
    years = age(born)
    segment = "young" if years < 26 else dice.choices(("mass", "affluent", "private"), (70, 24, 6))[0]
    row = {
        **_who(number, country, dice), **_bank(segment, years, dice), **_travel(dice), **_consents(dice),
        "birth_date": born.isoformat(), "age": str(years), "country": code, "segment": segment,
    }  # fmt: skip
    for name in ("phone", "city", "score", "monthly_income", "interests", "last_login", "complaint_open"):
        if dice.random() < 0.06:
            row[name] = ""
    if dice.random() < 0.01:
        row["birth_date"] = row["age"] = ""
    return row


def _who(number: int, country: Country, dice: random.Random) -> dict[str, str]:
    first, last = dice.choice(country.first), dice.choice(country.last)
    host = dice.choice(("com", "org"))
    return {
        "id": str(number),
        "email": f"{plain(first)}.{plain(last)}.{number}@example.{host}" if dice.random() < 0.97 else "",
        "phone": f"{country.prefix}55{dice.randrange(10**7):07}",
        "first_name": first,
        "last_name": last,
        "language": dice.choice(country.languages),
        "city": dice.choice(country.cities),
    }


def _bank(segment: str, years: int, dice: random.Random) -> dict[str, str]:
    income = {"young": 1300, "mass": 2500, "affluent": 4800, "private": 12000}[segment]
    saved = {"young": 900, "mass": 7000, "affluent": 32000, "private": 280000}[segment]
    held = ["AC-CURRENT"]
    for product, share in (
        ("CC-GOLD", 0.2),
        ("CC-PLAT", 0.04),
        ("SV-PLUS", 0.15),
        ("CR-HOME", 0.15),
        ("CR-TRIP", 0.03),
    ):
        if dice.random() < share and years >= 21:
            held.append(product)
    if years < 26 and dice.random() < 0.4:
        held.append("AC-YOUNG")
    longest = max(30, min(7000, (years - 15) * 365))
    return {
        "products": "|".join(held),
        "customer_since": (TODAY - timedelta(days=dice.randrange(longest))).isoformat(),
        "score": f"{dice.betavariate(2, 3):.2f}",
        "monthly_income": str(round(income * dice.uniform(0.6, 1.6))),
        "savings_balance": f"{saved * dice.random() * 2:.2f}" if dice.random() < 0.9 else "0",
    }


def _travel(dice: random.Random) -> dict[str, str]:
    interests = [i for i in ("city", "culture", "family", "nature", "snow", "wildlife") if dice.random() < 0.3]
    tier = dice.choices(("none", "silver", "gold", "platinum"), (72, 16, 9, 3))[0]
    trips = {"none": 2, "silver": 4, "gold": 7, "platinum": 14}[tier]
    return {
        "interests": "|".join(interests) or "[]",
        "frequent_flyer_tier": tier,
        "frequent_flyer_miles": str(dice.randrange(trips * 9000)),
        "trips_last_year": str(dice.randrange(trips + 1)),
    }


def _consents(dice: random.Random) -> dict[str, str]:
    login = TODAY - timedelta(days=dice.randrange(400))
    return {
        "consent_email": _flag(dice, 0.7),
        "consent_sms": _flag(dice, 0.5),
        "consent_profiling": _flag(dice, 0.85),
        "complaint_open": _flag(dice, 0.03),
        "last_login": f"{login}T{dice.randrange(6, 23):02}:{dice.randrange(60):02}:00",
    }


def _flag(dice: random.Random, share: float) -> str:
    return "true" if dice.random() < share else "false"


def plain(name: str) -> str:
    """A name as the part of an address: letters of ASCII only."""
    folded = name.lower().replace("ø", "o").replace("ß", "ss")
    return "".join(c for c in unicodedata.normalize("NFD", folded) if c.isascii() and c.isalnum())
