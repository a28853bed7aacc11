"""Makes passes for Apple Wallet: archives of a few files, of which a signature covers every byte."""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from io import BytesIO
from pathlib import Path
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from chalicelib.platform.eventsourcing.event import JsonObject
from chalicelib.shop.orders.faces import TicketFace
from chalicelib.shop.orders.wallets.certificates import PassCertificate
from chalicelib.shop.orders.wallets.texts import DESCRIPTION, LABELS, LANGUAGES, LINES, shown

_IMAGES = Path(__file__).with_name("images")
_EARLIEST = (1980, 1, 1, 0, 0, 0)
_READABLE = 0o644 << 16
_DARK, _LIGHT, _PALE = "rgb(24, 33, 66)", "rgb(255, 255, 255)", "rgb(171, 190, 255)"


def pass_of(face: TicketFace, certificate: PassCertificate) -> bytes:
    """Return the pass of a ticket; of the same facts everything but the signature, which has the time, is the same."""
    files = files_of(face, certificate)
    manifest = manifest_of(files)
    return _archive({**files, "manifest.json": manifest, "signature": certificate.sign(manifest)})


def files_of(face: TicketFace, certificate: PassCertificate) -> dict[str, bytes]:
    """Return the files of a pass by name, without the manifest and the signature."""
    texts = {f"{name}.lproj/pass.strings": strings_of(face, place) for place, name in enumerate(LANGUAGES)}
    return {"pass.json": _json(contents_of(face, certificate)), **texts, **_images()}


def contents_of(face: TicketFace, certificate: PassCertificate) -> JsonObject:
    """Return what `pass.json` says. A pass that is added again takes the place of the one with its `serialNumber`."""
    return {
        "formatVersion": 1,
        "passTypeIdentifier": certificate.pass_type,
        "teamIdentifier": certificate.team,
        "organizationName": certificate.organisation,
        "logoText": certificate.organisation,
        "serialNumber": str(face.ticket_id),
        "description": _description(face, 0),
        "groupingIdentifier": str(face.concert_id),
        "backgroundColor": _DARK,
        "foregroundColor": _LIGHT,
        "labelColor": _PALE,
        "barcodes": [{"format": "PKBarcodeFormatQR", "message": face.code, "messageEncoding": "iso-8859-1"}],
        "eventTicket": _fields(face),
        **_when_and_where(face),
    }


def strings_of(face: TicketFace, place: int) -> bytes:
    """Return the texts of one language by those in English, which a phone shows that reads none of the languages.

    The format is that of property lists before XML, in ASCII alone, so that no phone mistakes the encoding.
    """
    texts = {known[0]: known[place] for known in (*LABELS.values(), *LINES.values())}
    texts[_description(face, 0)] = _description(face, place)
    return "".join(f"{_quoted(english)} = {_quoted(text)};\n" for english, text in texts.items()).encode("ascii")


def manifest_of(files: Mapping[str, bytes]) -> bytes:
    """Return the hashes of the files; SHA-1 is what the format says."""
    return _json({name: hashlib.sha1(content, usedforsecurity=False).hexdigest() for name, content in files.items()})


def _fields(face: TicketFace) -> JsonObject:
    venue = face.venue
    front = [_field("holder", shown(face.holder))] if face.holder else []
    back = [_field("address", shown(f"{venue.address}, {venue.city}, {venue.country}"))] if venue else []
    return {
        "primaryFields": [{"key": "concert", "value": shown(face.concert_name)}],
        "secondaryFields": [*([_field("venue", shown(venue.name))] if venue else []), _starts(face)],
        "auxiliaryFields": [_field("type", shown(face.ticket_type_name)), *front],
        "backFields": [*back, _field("number", str(face.ticket_id)), _field("note", LINES["fixed"][0])],
    }


def _starts(face: TicketFace) -> JsonObject:
    """Show the time at the venue, wherever the phone is."""
    if face.starts_at is None:
        return _field("starts", LINES["postponed"][0])
    styles = {"dateStyle": "PKDateStyleMedium", "timeStyle": "PKDateStyleShort", "ignoresTimeZone": True}
    return _field("starts", _local(face, face.starts_at)) | styles


def _when_and_where(face: TicketFace) -> JsonObject:
    """Say when and where a phone offers the pass by itself."""
    found: JsonObject = {}
    if face.starts_at is not None:
        found["relevantDate"] = _local(face, face.starts_at)
    if face.venue is not None and face.venue.coordinates is not None:
        place = face.venue.coordinates
        found["locations"] = [{"latitude": place.latitude, "longitude": place.longitude}]
    return found


def _field(name: str, value: str) -> JsonObject:
    return {"key": name, "label": LABELS[name][0], "value": value}


def _description(face: TicketFace, place: int) -> str:
    return DESCRIPTION[place].format(shown(face.concert_name))


def _local(face: TicketFace, instant: datetime) -> str:
    return instant.astimezone(face.zone).isoformat(timespec="seconds")


def _quoted(text: str) -> str:
    """Quote a text with what is not plain ASCII as UTF-16 units, in four hexadecimal digits each."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(one if " " <= one <= "~" else _units(one) for one in escaped) + '"'


def _units(character: str) -> str:
    encoded = character.encode("utf-16-be")
    return "".join(f"\\U{encoded[place : place + 2].hex()}" for place in range(0, len(encoded), 2))


def _json(content: JsonObject) -> bytes:
    return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


@cache
def _images() -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(_IMAGES.glob("*.png"))}


def _archive(files: Mapping[str, bytes]) -> bytes:
    """Zip the files by name, without their times."""
    written = BytesIO()
    with ZipFile(written, "w", ZIP_STORED) as archive:
        for name in sorted(files):
            entry = ZipInfo(name, _EARLIEST)
            entry.external_attr, entry.create_system = _READABLE, 3
            archive.writestr(entry, files[name])
    return written.getvalue()
