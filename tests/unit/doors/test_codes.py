"""The code on a ticket: short, signed by the shop alone, and readable by anyone who has the public key."""

import json
from base64 import urlsafe_b64decode
from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore
from chalicelib.shop.orders.doors import base45, commands
from chalicelib.shop.orders.doors.book import MEMORY, CodeBook, KeyRevoked
from chalicelib.shop.orders.doors.code import LENGTH, ForgedCode, TicketFacts, from_code, message_of, to_code
from chalicelib.shop.orders.doors.keys import TicketKeys
from chalicelib.shop.orders.doors.rules_api import public_key
from tests.support.shop import OPERATOR, Shop, some_id

FACTS = TicketFacts(some_id("concert"), some_id("order"), some_id("ticket"), some_id("type"), serial=3)
SECRET, OTHER_SECRET = "a secret of at least 32 characters", "another one of at least 32 characters"


@pytest.fixture
def coding_shop() -> Shop:
    return Shop(MemoryEventStore())


def book(shop: Shop, *secrets: str) -> CodeBook:
    """A container of its own, with these secrets, newest first."""
    keys = TicketKeys(secrets or [SECRET])
    return CodeBook(shop.other_container(), lambda: keys, shop.clock)


@pytest.mark.parametrize(
    ("content", "text"), [(b"AB", "BB8"), (b"Hello!!", "%69 VD92EX0"), (b"base-45", "UJCLQE7W581"), (b"", "")]
)
def test_base45_is_that_of_the_standard(content: bytes, text: str) -> None:
    assert (base45.encode(content), base45.decode(text)) == (text, content)


@pytest.mark.parametrize("text", ["A", "GGW", "::", "bb8", "BB8A", "ÄÖ"])
def test_what_is_not_base45_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="base45"):
        base45.decode(text)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_as_they_were_written(content: bytes) -> None:
    assert base45.decode(base45.encode(content)) == content


def test_a_code_says_what_a_door_must_know_in_201_characters(coding_shop: Shop) -> None:
    code = book(coding_shop).write(FACTS)
    assert (len(code), LENGTH) == (201, 201)
    assert book(coding_shop).read(code) == FACTS


def test_whoever_has_the_public_key_alone_can_check_a_code(coding_shop: Shop) -> None:
    signed = from_code(book(coding_shop).write(FACTS))
    [(key, counts)] = book(coding_shop).keys(FACTS.concert_id)
    published = public_key(key)
    assert (counts, published["kid"]) == (True, signed.key_id.hex())
    public = Ed25519PublicKey.from_public_bytes(urlsafe_b64decode(published["x"] + "="))
    public.verify(signed.signature, signed.message)
    with pytest.raises(InvalidSignature):
        public.verify(signed.signature, message_of(signed.key_id, replace(FACTS, serial=4)))


@given(st.integers(0, LENGTH - 1), st.sampled_from(base45.ALPHABET))
def test_a_code_that_is_altered_anywhere_is_forged(place: int, character: str) -> None:
    shop = Shop(MemoryEventStore())
    code = book(shop).write(FACTS)
    altered = code[:place] + character + code[place + 1 :]
    if altered != code:
        with pytest.raises(ForgedCode):
            book(shop).read(altered)


@pytest.mark.parametrize("text", ["", "0", "A" * LENGTH, "HTTPS://EXAMPLE.ORG", "Ä", json.dumps({"ticket_id": "x"})])
def test_what_is_no_code_is_forged(coding_shop: Shop, text: str) -> None:
    with pytest.raises(ForgedCode):
        book(coding_shop).read(text)


def test_a_key_signs_for_its_own_concert_alone(coding_shop: Shop) -> None:
    elsewhere = replace(FACTS, concert_id=some_id("elsewhere"))
    key = book(coding_shop).signing_key(elsewhere.concert_id)
    message = message_of(key.id, FACTS)
    with pytest.raises(ForgedCode):
        book(coding_shop).read(to_code(message, key.sign(message)))


def test_another_secret_signs_from_now_on_and_what_the_one_before_signed_counts_until_it_is_removed(
    coding_shop: Shop,
) -> None:
    before = book(coding_shop, SECRET).write(FACTS)
    both = book(coding_shop, OTHER_SECRET, SECRET)
    assert both.read(before) == both.read(both.write(FACTS)) == FACTS
    assert both.write(FACTS) == book(coding_shop, OTHER_SECRET).write(FACTS) != before
    with pytest.raises(ForgedCode):
        book(coding_shop, OTHER_SECRET).read(before)


def test_codes_of_a_rotated_key_count_and_of_a_revoked_one_do_not(coding_shop: Shop) -> None:
    concert_id, _ = coding_shop.on_sale()
    facts = replace(FACTS, concert_id=concert_id)
    first = book(coding_shop).write(facts)
    commands.rotate_key(coding_shop.repository, coding_shop.request(OPERATOR), concert_id, "every year")
    second = book(coding_shop).write(facts)
    assert first != second
    assert book(coding_shop).read(first) == book(coding_shop).read(second) == facts
    commands.revoke_key(coding_shop.repository, coding_shop.request(OPERATOR), concert_id, 1, "leaked")
    assert book(coding_shop).read(second) == facts
    with pytest.raises(KeyRevoked):
        book(coding_shop).read(first)
    assert [counts for _, counts in book(coding_shop).keys(concert_id)] == [True, False]


def test_todays_key_is_revoked_by_signing_with_another_one(coding_shop: Shop) -> None:
    concert_id, _ = coding_shop.on_sale()
    facts = replace(FACTS, concert_id=concert_id)
    lost = book(coding_shop).write(facts)
    commands.revoke_key(coding_shop.repository, coding_shop.request(OPERATOR), concert_id, 1, "leaked")
    assert book(coding_shop).read(book(coding_shop).write(facts)) == facts
    with pytest.raises(KeyRevoked):
        book(coding_shop).read(lost)


def test_a_container_learns_of_a_new_key_when_it_sees_it_and_of_a_revoked_one_within_a_minute(
    coding_shop: Shop,
) -> None:
    concert_id, _ = coding_shop.on_sale()
    facts, busy = replace(FACTS, concert_id=concert_id), book(coding_shop)
    first = busy.write(facts)
    commands.rotate_key(coding_shop.repository, coding_shop.request(OPERATOR), concert_id, "why not")
    assert busy.read(book(coding_shop).write(facts)) == facts
    commands.revoke_key(coding_shop.repository, coding_shop.request(OPERATOR), concert_id, 1, "leaked")
    coding_shop.clock.advance(MEMORY + timedelta(seconds=1))
    with pytest.raises(KeyRevoked):
        busy.read(first)


def test_a_repeated_rotation_makes_one_key(coding_shop: Shop) -> None:
    concert_id, _ = coding_shop.on_sale()
    request = coding_shop.request(OPERATOR)
    versions = {commands.rotate_key(coding_shop.repository, request, concert_id, "once") for _ in range(3)}
    assert (versions, len(book(coding_shop).keys(concert_id))) == ({0}, 2)
