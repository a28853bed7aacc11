"""Reads the filters of a search of concerts."""

import math
from datetime import date
from typing import Annotated
from unicodedata import normalize
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, StringConstraints, WithJsonSchema

from chalicelib.platform.http.paging import Page
from chalicelib.platform.http.requests import PLAIN, said, without_control_characters
from chalicelib.shop.concerts.dates import When
from chalicelib.shop.concerts.matching import Near
from chalicelib.shop.concerts.queries import ConcertSearch

LONGEST_FILTER = 200
MOST_WORDS = 12
FARTHEST_KM = 500


def _normalised(text: str) -> str:
    """Return the text as it is compared (NFKC), which for some characters is 18 times as long."""
    normalised = normalize("NFKC", text).strip()
    if len(normalised) > LONGEST_FILTER:
        raise ValueError(f"must have {LONGEST_FILTER} characters at most once it is normalised")
    return normalised


def _few_words(text: str) -> str:
    if len(text.split()) > MOST_WORDS:
        raise ValueError(f"must have {MOST_WORDS} words at most")
    return text


_NEAR = {
    "type": "array",
    "prefixItems": [
        {"type": "number", "minimum": -90, "maximum": 90},
        {"type": "number", "minimum": -180, "maximum": 180},
        {"type": "number", "exclusiveMinimum": 0, "maximum": FARTHEST_KM},
    ],
    "minItems": 3,
    "maxItems": 3,
}
"""How the document describes `near`: latitude, longitude and kilometres."""


def _near(text: object) -> Near:
    try:
        latitude, longitude, km = map(float, str(text).split(","))
    except ValueError:
        raise ValueError("must be latitude,longitude,kilometres, as in 55.67,12.57,25") from None
    if not (math.isfinite(latitude) and -90 <= latitude <= 90):  # noqa: PLR2004 - degrees
        raise ValueError("has a latitude that is not from -90 to 90")
    if not (math.isfinite(longitude) and -180 <= longitude <= 180):  # noqa: PLR2004 - degrees
        raise ValueError("has a longitude that is not from -180 to 180")
    if not 0 < km <= FARTHEST_KM:
        raise ValueError(f"has a distance that is not above 0 and up to {FARTHEST_KM} km")
    return Near(latitude, longitude, km)


Filter = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=LONGEST_FILTER),
    AfterValidator(without_control_characters),
    AfterValidator(_normalised),
    said(PLAIN),
]
Words = Annotated[Filter, AfterValidator(_few_words)]
"""Each word is a condition of the search."""


class ConcertFilters(Page):
    """Reads the filters of a search; dates are the venue's local ones, both included.

    What is past is left out unless `when` asks for it.
    """

    q: Words | None = None
    location: Words | None = None
    date_from: date | None = None
    date_to: date | None = None
    genre: Filter | None = None
    venue_id: UUID | None = None
    when: When = When.UPCOMING
    near: Annotated[Near, BeforeValidator(_near), WithJsonSchema(_NEAR)] | None = None
    facets: bool = False

    def to_search(self) -> ConcertSearch:
        return ConcertSearch(**self.model_dump(exclude={"limit", "cursor", "facets", "near"}), near=self.near)
