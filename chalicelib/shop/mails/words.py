"""Writes texts, instants and amounts in one language."""

from datetime import datetime
from importlib import import_module
from typing import Any
from zoneinfo import ZoneInfo

from chalicelib.platform.http.languages import LANGUAGES
from chalicelib.platform.money import Money

DEFAULT = LANGUAGES[0]


class Words:
    """Has the texts of a language; of one that the shop does not write, those of English."""

    def __init__(self, language: str | None) -> None:
        self.language = language if language in LANGUAGES else DEFAULT
        self._texts: Any = import_module(f"chalicelib.shop.mails.texts.{self.language}")

    def __call__(self, name: str, /, **values: str) -> str:
        """Return a text with these values in it, which are taken as they are."""
        text: str = self._texts.TEXTS[name]
        return text.format_map(values)

    def instant(self, at: datetime, time_zone: str) -> str:
        """Write an instant as the clocks at the place show it."""
        local = at.astimezone(ZoneInfo(time_zone))
        return self(
            "instant",
            weekday=self._texts.WEEKDAYS[local.weekday()],
            day=str(local.day),
            month=self._texts.MONTHS[local.month - 1],
            year=str(local.year),
            time=f"{local:%H:%M}",
        )

    def amount(self, money: Money) -> str:
        point: str = self._texts.DECIMAL_POINT
        return f"{money.currency}\N{NO-BREAK SPACE}{money.amount:f}".replace(".", point)
