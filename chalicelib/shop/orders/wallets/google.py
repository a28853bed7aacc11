"""Makes links that add a ticket to Google Wallet: all that the pass says is in the link, signed."""

import hashlib
import json
from base64 import urlsafe_b64encode
from datetime import datetime
from typing import NamedTuple

from chalicelib.platform.eventsourcing.event import JsonObject
from chalicelib.shop.orders.faces import TicketFace
from chalicelib.shop.orders.wallets.certificates import GoogleIssuer
from chalicelib.shop.orders.wallets.texts import shown

SAVE = "https://pay.google.com/gp/v/save/"
LONGEST = 1800
"""Browsers and messengers may cut a longer token, Google says."""

_MOST = 100
"""How many characters a text may have, however much room there is."""

_HEADER = {"alg": "RS256", "typ": "JWT"}
_DIGEST = 20


class _Texts(NamedTuple):
    """What the pass says in words that others chose."""

    concert: str
    ticket_type: str
    venue: str
    address: str

    @classmethod
    def of(cls, face: TicketFace) -> "_Texts":
        place = face.venue
        venue, address = ("", "") if place is None else (place.name, f"{place.address}, {place.city}")
        return cls(*(shown(text, _MOST) for text in (face.concert_name, face.ticket_type_name, venue, address)))

    def cut_to(self, room: int) -> "_Texts":
        """Return the texts in so many bytes of JSON, the longest of them cut most."""
        texts = list(self)
        while sum(map(_size, texts)) > room and any(len(text) > 1 for text in texts):
            longest = max(range(len(texts)), key=lambda place: (len(texts[place]) > 1, _size(texts[place])))
            texts[longest] = shown(texts[longest], len(texts[longest]) - 1)
        return _Texts(*texts)


def link_of(face: TicketFace, issuer: GoogleIssuer, now: datetime) -> str:
    """Return the link of a ticket: it says what admits and where to, and nothing of who comes."""
    header, signature = _encoded(_HEADER), _base64(bytes(issuer.signature_bytes))
    room = (LONGEST - len(f"{header}..{signature}")) * 3 // 4
    texts = _Texts.of(face)
    without = _written(_claims(face, issuer, now, _Texts(*("" for _ in texts))))
    unsigned = f"{header}.{_encoded(_claims(face, issuer, now, texts.cut_to(room - len(without))))}"
    return f"{SAVE}{unsigned}.{_base64(issuer.sign(unsigned.encode()))}"


def _claims(face: TicketFace, issuer: GoogleIssuer, now: datetime, texts: _Texts) -> JsonObject:
    concert = _concert(face, issuer, texts)
    ticket = _ticket(face, issuer, concert["id"], texts)
    return {
        "iss": issuer.account,
        "aud": "google",
        "typ": "savetowallet",
        "iat": int(now.timestamp()),
        "payload": {"eventTicketClasses": [concert], "eventTicketObjects": [ticket]},
    }


def _concert(face: TicketFace, issuer: GoogleIssuer, texts: _Texts) -> JsonObject:
    """Describe the concert. Google keeps the first description with an id for ever, so another one has another id."""
    described: JsonObject = {
        "issuerName": shown(issuer.name, _MOST),
        "reviewStatus": "UNDER_REVIEW",
        "eventName": _text(texts.concert),
    }
    if face.venue is not None:
        described["venue"] = {"name": _text(texts.venue), "address": _text(texts.address)}
    if face.starts_at is not None:
        starts_at = face.starts_at.astimezone(face.zone).isoformat(timespec="seconds")
        described["dateTime"] = {"start": starts_at}
    return {"id": f"{issuer.id}.{_digest([str(face.concert_id), described])}", **described}


def _ticket(face: TicketFace, issuer: GoogleIssuer, concert: str, texts: _Texts) -> JsonObject:
    """Describe the ticket. Its id follows from its code, so that a new code is not taken for the old pass."""
    return {
        "id": f"{issuer.id}.{_digest(face.code)}",
        "classId": concert,
        "state": "ACTIVE",
        "barcode": {"type": "QR_CODE", "value": face.code},
        "ticketType": _text(texts.ticket_type),
    }


def _text(text: str) -> JsonObject:
    return {"defaultValue": {"language": "en", "value": text}}


def _digest(content: object) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:_DIGEST]


def _written(content: object) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


def _size(text: str) -> int:
    return len(_written(text)) - len('""')


def _encoded(content: JsonObject) -> str:
    return _base64(_written(content))


def _base64(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()
