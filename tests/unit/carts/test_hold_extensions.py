"""A customer may ask for more time, up to a limit, and gets it for what has not ended."""

from datetime import timedelta
from uuid import UUID

import pytest

from chalicelib.platform.errors import IdempotencyKeyReused, NotFound
from chalicelib.shop.carts.cart import (
    LEAST_GAIN,
    CartCheckedOutAlready,
    CartEmpty,
    ExtensionLimitReached,
    LinesExpired,
)
from chalicelib.shop.carts.commands import LONGEST_HOLD, ExtendedHolds, extend_holds
from chalicelib.shop.inventory.ticket_pool import pool_id
from tests.support.shop import CUSTOMER, HOLD_FOR, OTHER_CUSTOMER, Shop

MILLISECOND = timedelta(milliseconds=1)


def extend(shop: Shop, cart_id: UUID, key: str | None = None, body: str = "") -> ExtendedHolds:
    return extend_holds(shop.repository, shop.request(CUSTOMER, key, body), cart_id, HOLD_FOR)


def test_every_line_is_held_for_the_usual_time_from_now_in_the_cart_and_in_the_pool(memory_shop: Shop) -> None:
    _, ticket_type_id = memory_shop.on_sale()
    cart_id = memory_shop.cart()
    item = memory_shop.add(cart_id, ticket_type_id, 2)
    now = memory_shop.clock.advance(HOLD_FOR / 2)
    extended = extend(memory_shop, cart_id)
    assert [(line.item_id, line.expires_at) for line in extended.lines] == [(item.item_id, now + HOLD_FOR)]
    assert extended.version == item.version + 1
    assert memory_shop.pool(ticket_type_id).holds[item.item_id].expires_at == now + HOLD_FOR
    assert memory_shop.cart_state(cart_id).lines[item.item_id].expires_at == now + HOLD_FOR
    memory_shop.clock.advance(HOLD_FOR - timedelta(milliseconds=1))
    memory_shop.check_out(cart_id)


def test_no_extension_goes_beyond_the_limit_that_was_set_when_the_tickets_were_held(memory_shop: Shop) -> None:
    _, ticket_type_id = memory_shop.on_sale()
    cart_id = memory_shop.cart()
    held_at = memory_shop.clock()
    memory_shop.add(cart_id, ticket_type_id)
    longest = held_at + LONGEST_HOLD * HOLD_FOR
    memory_shop.clock.advance(HOLD_FOR * 0.9)
    extend(memory_shop, cart_id)
    memory_shop.clock.advance(HOLD_FOR * 0.9)
    assert extend(memory_shop, cart_id).lines[0].expires_at == longest
    with pytest.raises(ExtensionLimitReached):
        extend(memory_shop, cart_id)


@pytest.mark.parametrize(
    ("waited", "written"), [(LEAST_GAIN - MILLISECOND, 0), (LEAST_GAIN, 1)], ids=["under a minute", "a minute"]
)
def test_an_extension_that_gains_less_than_a_minute_writes_nothing_and_says_the_deadline(
    memory_shop: Shop, waited: timedelta, written: int
) -> None:
    _, ticket_type_id = memory_shop.on_sale()
    cart_id = memory_shop.cart()
    item = memory_shop.add(cart_id, ticket_type_id)
    streams = [cart_id, pool_id(ticket_type_id, 0)]
    before = {key: len(stream) for key, stream in memory_shop.log(streams).items()}
    now = memory_shop.clock.advance(waited)
    extended = extend(memory_shop, cart_id)
    assert {key: len(stream) - before[key] for key, stream in memory_shop.log(streams).items()} == dict.fromkeys(
        streams, written
    )
    assert extended.version == item.version + written
    assert extended.changed is bool(written)
    deadline = now + HOLD_FOR if written else item.hold_expires_at
    assert [(line.item_id, line.expires_at) for line in extended.lines] == [(item.item_id, deadline)]


def test_eight_carts_that_extend_in_a_loop_write_nothing(memory_shop: Shop) -> None:
    _, ticket_type_id = memory_shop.on_sale(quantity=50)
    carts = [memory_shop.cart() for _ in range(8)]
    for cart_id in carts:
        memory_shop.add(cart_id, ticket_type_id)
    before = memory_shop.log([*carts, pool_id(ticket_type_id, 0)])
    for _ in range(20):
        memory_shop.clock.advance(MILLISECOND)
        for cart_id in carts:
            extend(memory_shop, cart_id)
    assert memory_shop.log([*carts, pool_id(ticket_type_id, 0)]) == before


def test_adding_a_line_extends_no_other(memory_shop: Shop) -> None:
    _, ticket_type_id = memory_shop.on_sale()
    cart_id = memory_shop.cart()
    first = memory_shop.add(cart_id, ticket_type_id)
    memory_shop.clock.advance(HOLD_FOR / 2)
    memory_shop.add(cart_id, ticket_type_id)
    assert memory_shop.cart_state(cart_id).lines[first.item_id].expires_at == first.hold_expires_at


def test_what_has_ended_stays_ended_and_the_rest_is_extended(memory_shop: Shop) -> None:
    _, ticket_type_id = memory_shop.on_sale()
    cart_id = memory_shop.cart()
    ended = memory_shop.add(cart_id, ticket_type_id)
    memory_shop.clock.advance(HOLD_FOR / 2)
    live = memory_shop.add(cart_id, ticket_type_id)
    memory_shop.clock.advance(HOLD_FOR / 2)
    assert [line.item_id for line in extend(memory_shop, cart_id).lines] == [live.item_id]
    assert ended.item_id not in memory_shop.pool(ticket_type_id).at(memory_shop.clock()).holds
    memory_shop.clock.advance(HOLD_FOR)
    with pytest.raises(LinesExpired):
        extend(memory_shop, cart_id)


def test_a_repeated_request_extends_once_and_gets_the_same_answer(memory_shop: Shop) -> None:
    _, ticket_type_id = memory_shop.on_sale()
    cart_id = memory_shop.cart()
    memory_shop.add(cart_id, ticket_type_id)
    memory_shop.clock.advance(timedelta(minutes=1))
    first = extend(memory_shop, cart_id, key="more")
    memory_shop.clock.advance(timedelta(minutes=1))
    before = memory_shop.log([cart_id])
    assert extend(memory_shop, cart_id, key="more") == first
    assert memory_shop.log([cart_id]) == before
    with pytest.raises(IdempotencyKeyReused):
        extend(memory_shop, cart_id, key="more", body="other")


def test_there_must_be_something_to_extend_in_an_open_cart_of_ones_own(memory_shop: Shop) -> None:
    _, ticket_type_id = memory_shop.on_sale()
    cart_id = memory_shop.cart()
    with pytest.raises(CartEmpty):
        extend(memory_shop, cart_id)
    memory_shop.add(cart_id, ticket_type_id)
    with pytest.raises(NotFound):
        extend_holds(memory_shop.repository, memory_shop.request(OTHER_CUSTOMER), cart_id, HOLD_FOR)
    memory_shop.check_out(cart_id)
    with pytest.raises(CartCheckedOutAlready):
        extend(memory_shop, cart_id)
