"""Names and cities of the ten countries, and who speaks what there."""

from __future__ import annotations

from typing import NamedTuple


class Country(NamedTuple):
    """A country: how many of a hundred contacts live there, languages, names, cities, the telephone's prefix."""

    share: int
    languages: tuple[str, ...]
    first: tuple[str, ...]
    last: tuple[str, ...]
    cities: tuple[str, ...]
    prefix: str


_FRENCH = (
    ("Camille", "Chloé", "Élise", "Hugo", "Inès", "Jules", "Léa", "Louis", "Manon", "Nathan", "Zoé", "Théo"),
    ("Bernard", "Dubois", "Durand", "Garnier", "Lefèvre", "Martin", "Moreau", "Petit", "Roux", "Simon", "Hébert"),
)
_GERMAN = (
    ("Anna", "Emil", "Felix", "Greta", "Jonas", "Jürgen", "Lena", "Lukas", "Mia", "Sören", "Theresa", "Uwe"),
    ("Bauer", "Fischer", "Gruber", "Huber", "König", "Maier", "Müller", "Schäfer", "Schmidt", "Weiß", "Wolf"),
)
_ENGLISH = (
    ("Alice", "Ben", "Chloe", "Dylan", "Emma", "George", "Grace", "Harry", "Lily", "Oliver", "Sophie", "Zachary"),
    ("Clarke", "Davies", "Evans", "Johnson", "Jones", "O'Neill", "Smith", "Taylor", "Walker", "Wilson", "Wright"),
)
_NORSE = (
    ("Åse", "Eirik", "Ingrid", "Kari", "Lars", "Nora", "Ola", "Øyvind", "Sigrid", "Tor"),
    ("Berg", "Bjørnstad", "Dahl", "Hansen", "Haugen", "Johansen", "Lie", "Moe", "Solberg", "Ødegård"),
)

COUNTRIES: dict[str, Country] = {
    "AT": Country(4, ("de",), *_GERMAN, ("Wien", "Graz", "Linz"), "+43"),
    "BE": Country(13, ("fr", "fr", "en", "de"), *_FRENCH, ("Bruxelles", "Liège", "Namur"), "+32"),
    "CA": Country(4, ("en", "fr"), *_ENGLISH, ("Montréal", "Québec", "Toronto"), "+1"),
    "CH": Country(7, ("de", "fr"), *_GERMAN, ("Genève", "Lausanne", "Zürich"), "+41"),
    "DE": Country(8, ("de", "de", "en"), *_GERMAN, ("Berlin", "Köln", "München"), "+49"),
    "FR": Country(48, ("fr", "fr", "fr", "fr", "en"), *_FRENCH, ("Lille", "Lyon", "Paris", "Nantes", "Nîmes"), "+33"),
    "GB": Country(6, ("en",), *_ENGLISH, ("Leeds", "London", "Bath"), "+44"),
    "LU": Country(4, ("fr", "de"), *_FRENCH, ("Luxembourg", "Esch-sur-Alzette"), "+352"),
    "NO": Country(2, ("en",), *_NORSE, ("Oslo", "Bergen", "Tromsø"), "+47"),
    "US": Country(4, ("en",), *_ENGLISH, ("Boston", "Chicago", "New York"), "+1"),
}
