"""A link is signed: nobody but the shop makes one, and none can be changed."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from string import ascii_letters, digits
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.platform.errors import NotFound
from chalicelib.platform.ids import IdKey
from chalicelib.shop.orders.links import LENGTH, VALID_FOR, OrderLink, first_link, read_link
from tests.support.shop import IDS, OPENING

ORDER_ID = UUID("5f0c9c0e-31a7-4b44-9c35-6a8c1f1f6a10")
LINK = OrderLink(ORDER_ID, 3, OPENING.replace(microsecond=0))
TEXT = LINK.signed(IDS).text
ALPHABET = ascii_letters + digits + "-_"


@given(
    st.uuids(),
    st.integers(0, 2**16 - 1),
    st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1)),  # noqa: DTZ001
)
def test_a_link_says_what_was_signed(order_id: UUID, number: int, until: datetime) -> None:
    link = OrderLink(order_id, number, until.replace(microsecond=0, tzinfo=UTC))
    signed = link.signed(IDS)
    assert (read_link(signed.text, IDS), signed.expires_at) == (link, link.expires_at)
    assert len(signed.text) == LENGTH


@given(st.integers(0, LENGTH - 1), st.sampled_from(ALPHABET))
def test_a_link_with_another_letter_is_none(place: int, letter: str) -> None:
    changed = TEXT[:place] + letter + TEXT[place + 1 :]
    if changed != TEXT:
        with pytest.raises(NotFound):
            read_link(changed, IDS)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        TEXT[:-1],
        TEXT + "A",
        TEXT + "=",
        " " + TEXT,
        TEXT + "\n",
        f"{TEXT[:-1]}\u0661",
        TEXT.swapcase(),
        "é" * 72,
    ],
)
def test_what_is_no_link_is_none(text: str) -> None:
    with pytest.raises(NotFound):
        read_link(text, IDS)


def test_the_key_of_another_stage_signs_other_links() -> None:
    with pytest.raises(NotFound):
        read_link(LINK.signed(IdKey("another key of ids")).text, IDS)


def test_an_id_that_clients_see_signs_no_link() -> None:
    contents = urlsafe_b64decode(TEXT)[:22]
    for known in (
        IDS.id_of("link of an order", contents.hex()),
        IDS.id_of("request", ORDER_ID, "POST", "/orders", "k"),
    ):
        forged = urlsafe_b64encode(contents + known.bytes * 2).decode()
        with pytest.raises(NotFound):
            read_link(forged, IDS)


def test_the_first_link_of_an_order_is_always_the_same_and_lasts_a_year() -> None:
    due = OPENING + timedelta(microseconds=7000)
    assert first_link(ORDER_ID, due).signed(IDS) == first_link(ORDER_ID, due).signed(IDS)
    assert first_link(ORDER_ID, due).expires_at == OPENING.replace(microsecond=0) + VALID_FOR
