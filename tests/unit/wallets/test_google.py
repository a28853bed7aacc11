"""A link to Google Wallet, read as Google reads it: a token with everything in it."""

import json
from dataclasses import replace
from datetime import UTC
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from chalicelib.shop.orders.faces import TicketFace
from chalicelib.shop.orders.wallets.google import LONGEST, SAVE, link_of
from tests.support.passes import issuer, secret, some_face, venue
from tests.support.stored import SOME_TIME
from tests.unit.wallets.test_apple import HOSTILE, named


def read(face: TicketFace) -> Any:
    """What the token says, once its signature is verified."""
    link = link_of(face, issuer(), SOME_TIME)
    assert link.startswith(SAVE)
    key = load_pem_private_key(secret()["google"]["private_key"].encode(), None)
    options: Any = {"verify_iat": False}
    return jwt.decode(link.removeprefix(SAVE), key.public_key(), ["RS256"], audience="google", options=options)  # type: ignore[arg-type] # it is an RSA key


def parts(face: TicketFace) -> tuple[Any, Any]:
    payload = read(face)["payload"]
    [concert], [ticket] = payload["eventTicketClasses"], payload["eventTicketObjects"]
    return concert, ticket


def text(value: str) -> Any:
    return {"defaultValue": {"language": "en", "value": value}}


def test_the_token_is_signed_by_the_account_for_google() -> None:
    claims = read(some_face())
    assert claims["iss"] == "test@not-a-project.iam.gserviceaccount.com"
    assert (claims["typ"], claims["iat"]) == ("savetowallet", int(SOME_TIME.astimezone(UTC).timestamp()))


def test_the_pass_has_the_tickets_code_and_what_it_is_for() -> None:
    face = some_face()
    concert, ticket = parts(face)
    assert ticket["barcode"] == {"type": "QR_CODE", "value": face.code}
    assert (ticket["state"], ticket["ticketType"], ticket["classId"]) == ("ACTIVE", text("Standing"), concert["id"])
    assert concert["eventName"] == text("Patti Smith")
    assert concert["venue"] == {"name": text("Paradiso"), "address": text("Weteringschans 6, Amsterdam")}
    assert concert["dateTime"] == {"start": "2030-01-31T13:00:00+01:00"}


def test_ids_are_of_the_issuer_and_have_only_what_google_allows() -> None:
    for one in parts(some_face()):
        number, _, rest = one["id"].partition(".")
        assert number == "3388000000000000000"
        assert rest.replace("-", "").isalnum()


def test_no_name_or_address_of_a_person_goes_to_google() -> None:
    assert "Carla" not in json.dumps(read(some_face()))


def test_a_concert_that_moved_is_another_one_to_google_and_a_new_code_another_ticket() -> None:
    concert, ticket = parts(some_face())
    moved, _ = parts(some_face(starts_at=some_face().ends_at))
    _, reissued = parts(some_face(code="A" * 201))
    assert moved["id"] != concert["id"]
    assert reissued["id"] != ticket["id"]
    assert parts(some_face()) == (concert, ticket)


def test_a_postponed_concert_without_a_venue_has_neither_date_nor_place() -> None:
    concert, _ = parts(some_face(starts_at=None, venue=None))
    assert not {"dateTime", "venue"} & concert.keys()


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE.keys())
def test_whatever_the_names_the_token_is_short_enough_and_has_the_code(name: str) -> None:
    face = named(name)
    _, ticket = parts(face)
    assert ticket["barcode"]["value"] == face.code
    assert len(link_of(face, issuer(), SOME_TIME).removeprefix(SAVE)) <= LONGEST


def test_a_name_of_usual_length_is_whole() -> None:
    name = "The Rolling Stones: Sixty Years On Tour, with Special Guests"
    face = replace(some_face(concert_name=name), venue=venue(name="Johan Cruijff ArenA"))
    assert parts(face)[0]["eventName"] == text(name)
