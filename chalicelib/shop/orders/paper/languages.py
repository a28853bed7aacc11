"""Chooses the language of what is made for a customer."""

from collections.abc import Mapping
from typing import Literal

from chalicelib.platform.http.requests import Query
from chalicelib.shop.orders.paper.texts import LANGUAGES

_DEFAULT = next(iter(LANGUAGES))
_MOST_TAGS = 20


class LanguageQuery(Query):
    """Reads `language`; without it the header `Accept-Language` chooses."""

    language: Literal["en", "nl"] | None = None

    def chosen(self, headers: Mapping[str, str]) -> str:
        return self.language or preferred(headers.get("accept-language", ""))


def preferred(header: str) -> str:
    """Return the language of ours that the header prefers, and English where it says nothing of ours."""
    wanted = [_weighed(part) for part in header.split(",")[:_MOST_TAGS]]
    ours = [(weight, language) for language, weight in wanted if language in LANGUAGES and weight > 0]
    return max(ours, key=lambda one: one[0], default=(0, _DEFAULT))[1]


def _weighed(part: str) -> tuple[str, float]:
    tag, _, parameter = part.partition(";")
    language = tag.strip().lower().partition("-")[0]
    name, _, value = parameter.strip().partition("=")
    try:
        return language, float(value) if name == "q" else 1.0
    except ValueError:
        return language, 0.0
