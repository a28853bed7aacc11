"""A pass for Apple Wallet, opened as a phone opens it."""

import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path
from zipfile import ZipFile

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.hazmat.primitives.serialization.pkcs7 import load_der_pkcs7_certificates
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.shop.orders.faces import TicketFace
from chalicelib.shop.orders.wallets.apple import files_of, pass_of
from chalicelib.shop.orders.wallets.texts import LABELS, LANGUAGES, LINES
from tests.support.passes import OpenedPass, OpenSsl, certificate, secret, some_face, venue

needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="there is no openssl on this machine")


@pytest.fixture
def opened() -> OpenedPass:
    return OpenedPass.of(pass_of(some_face(), certificate()))


@needs_openssl
def test_openssl_verifies_the_signature_of_the_manifest_and_of_no_other(opened: OpenedPass, tmp_path: Path) -> None:
    openssl = OpenSsl(opened, tmp_path)
    assert openssl.verifies()
    assert "signingTime" in openssl.structure()
    assert not openssl.verifies(opened.files["manifest.json"].replace(b"a", b"b", 1))


def test_the_signature_has_the_certificate_and_who_issued_it(opened: OpenedPass) -> None:
    known = secret()["apple"]
    found = {one.public_bytes(Encoding.PEM).decode() for one in load_der_pkcs7_certificates(opened.files["signature"])}
    assert found == {known["certificate"], known["intermediate"]}


def test_the_manifest_has_the_hash_of_every_other_file(opened: OpenedPass) -> None:
    hashed = {name: content for name, content in opened.files.items() if name not in {"manifest.json", "signature"}}
    expected = {name: hashlib.sha1(content, usedforsecurity=False).hexdigest() for name, content in hashed.items()}
    assert json.loads(opened.files["manifest.json"]) == expected


def test_a_pass_has_the_files_that_a_phone_looks_for(opened: OpenedPass) -> None:
    pictures = {f"{name}{size}.png" for name in ("icon", "logo") for size in ("", "@2x", "@3x")}
    texts = {f"{language}.lproj/pass.strings" for language in ("en", "nl")}
    assert set(opened.names) == {"pass.json", "manifest.json", "signature"} | pictures | texts
    assert all(opened.files[name].startswith(b"\x89PNG\r\n\x1a\n") for name in pictures)


def test_the_code_on_the_pass_is_the_tickets() -> None:
    face = some_face()
    [barcode] = OpenedPass.of(pass_of(face, certificate())).contents["barcodes"]
    assert barcode == {"format": "PKBarcodeFormatQR", "message": face.code, "messageEncoding": "iso-8859-1"}


def test_a_pass_names_its_type_and_team_as_the_certificate_does(opened: OpenedPass) -> None:
    contents = opened.contents
    assert (contents["passTypeIdentifier"], contents["teamIdentifier"]) == ("pass.test.cloudbash", "TESTTEAM00")
    assert contents["organizationName"] == "TEST, not valid: Cloudbash"
    assert (contents["formatVersion"], contents["serialNumber"]) == (1, str(some_face().ticket_id))


def test_a_pass_shows_concert_place_time_type_and_name(opened: OpenedPass) -> None:
    shown = {name: opened.field(name)["value"] for name in ("concert", "venue", "starts", "type", "holder", "address")}
    assert shown == {
        "concert": "Patti Smith",
        "venue": "Paradiso",
        "starts": "2030-01-31T13:00:00+01:00",
        "type": "Standing",
        "holder": "Carla Jones",
        "address": "Weteringschans 6, Amsterdam, NL",
    }
    assert opened.contents["relevantDate"] == "2030-01-31T13:00:00+01:00"
    assert opened.field("starts")["ignoresTimeZone"], "a phone elsewhere shows the time at the venue"
    assert opened.contents["locations"] == [{"latitude": 52.3622, "longitude": 4.8838}]


def test_every_text_of_ours_is_there_in_every_language(opened: OpenedPass) -> None:
    fields = [field for group in opened.contents["eventTicket"].values() for field in group]
    wanted = {field["label"] for field in fields if "label" in field}
    wanted |= {opened.contents["description"], opened.field("note")["value"]}
    english, dutch = (opened.texts(language) for language in LANGUAGES)
    assert english == {text: text for text in dutch}, "a phone in another language shows what it looks up: English"
    assert dutch.keys() - wanted == {"New date to follow"}
    assert wanted <= dutch.keys()
    assert (dutch["Ticket for Patti Smith"], dutch["Starts"]) == ("Ticket voor Patti Smith", "Begint")
    assert dutch[opened.field("note")["value"]] == LINES["fixed"][1], "with an é, by a number"


def test_a_label_has_a_text_in_each_language() -> None:
    assert {len(texts) for texts in (*LABELS.values(), *LINES.values())} == {len(LANGUAGES)}


def test_a_postponed_concert_has_no_date_and_no_place_is_made_up() -> None:
    face = some_face(starts_at=None, ends_at=None, venue=None)
    opened = OpenedPass.of(pass_of(face, certificate()))
    assert opened.field("starts")["value"] == "New date to follow"
    assert not {"relevantDate", "locations"} & opened.contents.keys()
    fields = [field["key"] for group in opened.contents["eventTicket"].values() for field in group]
    assert not {"venue", "address"} & set(fields)


def test_the_pass_of_an_erased_person_names_nobody() -> None:
    fields = OpenedPass.of(pass_of(some_face(holder=None), certificate())).contents["eventTicket"]["auxiliaryFields"]
    assert [field["key"] for field in fields] == ["type"]


def test_the_same_facts_give_the_same_files_in_the_same_order(tmp_path: Path) -> None:
    first, second = (pass_of(some_face(), certificate()) for _ in range(2))
    assert OpenedPass.of(first).names == OpenedPass.of(second).names == sorted(OpenedPass.of(first).names)
    assert files_of(some_face(), certificate()) == files_of(some_face(), certificate())
    (tmp_path / "a.pkpass").write_bytes(first)
    with ZipFile(tmp_path / "a.pkpass") as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


HOSTILE = {
    "a quote that ends a text": 'Ticket"; "Venue" = "Elsewhere',
    "a backslash at the end": "AC\\DC\\",
    "an escape": "\\U0022; x",
    "lines": "one\ntwo\r\nthree\u2028four",
    "right to left": "أم كلثوم",
    "a control that turns what follows": "\u202eslaw\u202c",
    "isolates": "\u2066a\u2069",
    "emoji": "👩‍👩‍👧‍👦 🎸",
    "NUL": "a\0b",
    "half of a pair": "a\ud83db",
    "10 kB": "x" * 10_000,
    "10,000 emoji": "🎸" * 10_000,
    "a text of ours": "Venue",
    "JSON": '{"barcodes": []}',
    "blanks": " \t ",
}


def named(text: str) -> TicketFace:
    """A face with this text wherever somebody may write one."""
    place = venue(name="x", address="x", city="x", country="NL").model_copy(
        update={"name": text, "address": text, "city": text, "country": text}
    )
    return replace(some_face(), concert_name=text, ticket_type_name=text, holder=text, venue=place)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_no_name_changes_what_else_the_pass_says(text: str, opened: OpenedPass) -> None:
    made = OpenedPass.of(pass_of(named(text), certificate()))
    assert made.contents.keys() == opened.contents.keys()
    for name in ("barcodes", "serialNumber", "passTypeIdentifier", "relevantDate", "locations"):
        assert made.contents[name] == opened.contents[name]
    for language in LANGUAGES:
        texts, usual = made.texts(language), opened.texts(language)
        assert "\n" not in texts.pop(made.contents["description"])
        del usual[opened.contents["description"]]
        assert texts == usual
    assert len(made.files["pass.json"]) < 8_000


@given(st.text(alphabet=st.characters(), max_size=80))
def test_whatever_text_comes_the_pass_shows_it_in_one_line(text: str) -> None:
    files = files_of(named(text), certificate())
    opened = OpenedPass(files, sorted(files))
    value = opened.field("concert")["value"]
    assert opened.contents["description"] == f"Ticket for {value}"
    assert opened.texts("nl")[f"Ticket for {value}"] == f"Ticket voor {value}"
    assert len(value.splitlines()) <= 1
    assert not set(value) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\0")
    plain = " ".join(text.split())
    if plain.isprintable():
        assert value == plain
