"""Turns the faces of tickets into the words of pages, in the language of whoever prints them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from chalicelib.platform.eventsourcing.event import JsonObject
from chalicelib.shop.orders.doors.picture import svg_of
from chalicelib.shop.orders.faces import TicketFace
from chalicelib.shop.orders.paper.dates import dates_of
from chalicelib.shop.orders.paper.font_files import families
from chalicelib.shop.orders.paper.letters import han_of, is_right_to_left
from chalicelib.shop.orders.paper.texts import LANGUAGES

_LINE_OF_CODE = 67
_SCALES = ((40, 1.0), (80, 0.8), (120, 0.65))
"""Up to so many letters, a text is printed so large, so that a page has room for the longest that there are."""
_SMALLEST = 0.5
_IDS = {"order", "ticket_id"}


@dataclass(frozen=True, slots=True)
class Sheet:
    """Prints pages of one language."""

    words: ModuleType

    def say(self, key: str, **facts: object) -> str:
        return str(self.words.TEXTS[key].format(**facts))


def pages_of(faces: Sequence[TicketFace], language: str) -> JsonObject:
    """Return what the template shows: every text of a ticket as a value of its own."""
    sheet = Sheet(LANGUAGES[language])
    names = list(dict.fromkeys(face.concert_name for face in faces))
    countries = [face.venue.country for face in faces if face.venue is not None]
    han = han_of(_texts_of(faces), countries[0] if countries else None)
    title = "title_one" if len(faces) == 1 else "title_many"
    return {
        "language": language,
        "title": sheet.say(title, concert=", ".join(names)),
        "fonts": families(han),
        "tickets": [_page(sheet, face, number, len(faces)) for number, face in enumerate(faces, 1)],
    }


def _page(sheet: Sheet, face: TicketFace, number: int, total: int) -> JsonObject:
    venue, dates = face.venue, dates_of(face.starts_at, face.ends_at, face.zone, sheet.words)
    return {
        "ticket": sheet.say("ticket"),
        "number": sheet.say("number", number=number, total=total) if total > 1 else "",
        "concert": _said(face.concert_name),
        "date": dates.date,
        "time": dates.time,
        "zone": dates.zone,
        "venue": None if venue is None else _said(venue.name),
        "address": [] if venue is None else [_said(line) for line in (venue.address, _city(face)) if line],
        "facts": list(_facts(sheet, face)),
        "qr": svg_of(face.code),
        "alt": sheet.say("qr", concert=face.concert_name),
        "scan": sheet.say("scan"),
        "code": [face.code[start : start + _LINE_OF_CODE] for start in range(0, len(face.code), _LINE_OF_CODE)],
        "small": [sheet.say(key) for key in ("once", "reissue", "paper")],
    }


def _facts(sheet: Sheet, face: TicketFace) -> Iterable[Mapping[str, Any]]:
    price = face.price and (f"{face.price.currency} {face.price.amount}" if face.price.amount else sheet.say("free"))
    rows = (
        ("type", face.ticket_type_name),
        ("holder", face.holder),
        ("price", price),
        ("order", str(face.order_id)),
        ("ticket_id", str(face.ticket_id)),
    )
    return ({"label": sheet.say(key), "said": _said(text), "is-id": key in _IDS} for key, text in rows if text)


def _said(text: str) -> JsonObject:
    scale = next((scale for most, scale in _SCALES if len(text) <= most), _SMALLEST)
    return {"text": text, "rtl": is_right_to_left(text), "scale": scale}


def _texts_of(faces: Sequence[TicketFace]) -> Iterable[str]:
    for face in faces:
        yield from (face.concert_name, face.ticket_type_name, face.holder or "")
        if face.venue is not None:
            yield from (face.venue.name, face.venue.address, face.venue.city)


def _city(face: TicketFace) -> str:
    return "" if face.venue is None else ", ".join(part for part in (face.venue.city, face.venue.country) if part)
