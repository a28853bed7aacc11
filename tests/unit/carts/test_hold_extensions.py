"""A customer may ask for more time, up to a limit, and gets it for what has not ended."""

from datetime import timedelta
from uuid import UUID

import pytest

from chalicelib.platform.errors import IdempotencyKeyReused, NotFound
from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore
from chalicelib.shop.carts.cart import CartCheckedOutAlready, CartEmpty, ExtensionLimitReached, LinesExpired
from chalicelib.shop.carts.commands import LONGEST_HOLD, ExtendedHolds, extend_holds
from tests.support.shop import CUSTOMER, HOLD_FOR, OTHER_CUSTOMER, Shop


@pytest.fixture
def shop() -> Shop:
    return Shop(MemoryEventStore())


def extend(shop: Shop, cart_id: UUID, key: str | None = None, body: str = "") -> ExtendedHolds:
    return extend_holds(shop.repository, shop.request(CUSTOMER, key, body), cart_id, HOLD_FOR)


def test_every_line_is_held_for_the_usual_time_from_now_in_the_cart_and_in_the_pool(shop: Shop) -> None:
    _, ticket_type_id = shop.on_sale()
    cart_id = shop.cart()
    item = shop.add(cart_id, ticket_type_id, 2)
    now = shop.clock.advance(HOLD_FOR / 2)
    extended = extend(shop, cart_id)
    assert [(line.item_id, line.expires_at) for line in extended.lines] == [(item.item_id, now + HOLD_FOR)]
    assert extended.version == item.version + 1
    assert shop.pool(ticket_type_id).holds[item.item_id].expires_at == now + HOLD_FOR
    assert shop.cart_state(cart_id).lines[item.item_id].expires_at == now + HOLD_FOR
    shop.clock.advance(HOLD_FOR - timedelta(milliseconds=1))
    shop.check_out(cart_id)


def test_no_extension_goes_beyond_the_limit_that_was_set_when_the_tickets_were_held(shop: Shop) -> None:
    _, ticket_type_id = shop.on_sale()
    cart_id = shop.cart()
    held_at = shop.clock()
    shop.add(cart_id, ticket_type_id)
    longest = held_at + LONGEST_HOLD * HOLD_FOR
    shop.clock.advance(HOLD_FOR * 0.9)
    extend(shop, cart_id)
    shop.clock.advance(HOLD_FOR * 0.9)
    assert extend(shop, cart_id).lines[0].expires_at == longest
    with pytest.raises(ExtensionLimitReached):
        extend(shop, cart_id)


def test_adding_a_line_extends_no_other(shop: Shop) -> None:
    _, ticket_type_id = shop.on_sale()
    cart_id = shop.cart()
    first = shop.add(cart_id, ticket_type_id)
    shop.clock.advance(HOLD_FOR / 2)
    shop.add(cart_id, ticket_type_id)
    assert shop.cart_state(cart_id).lines[first.item_id].expires_at == first.hold_expires_at


def test_what_has_ended_stays_ended_and_the_rest_is_extended(shop: Shop) -> None:
    _, ticket_type_id = shop.on_sale()
    cart_id = shop.cart()
    ended = shop.add(cart_id, ticket_type_id)
    shop.clock.advance(HOLD_FOR / 2)
    live = shop.add(cart_id, ticket_type_id)
    shop.clock.advance(HOLD_FOR / 2)
    assert [line.item_id for line in extend(shop, cart_id).lines] == [live.item_id]
    assert ended.item_id not in shop.pool(ticket_type_id).at(shop.clock()).holds
    shop.clock.advance(HOLD_FOR)
    with pytest.raises(LinesExpired):
        extend(shop, cart_id)


def test_a_repeated_request_extends_once_and_gets_the_same_answer(shop: Shop) -> None:
    _, ticket_type_id = shop.on_sale()
    cart_id = shop.cart()
    shop.add(cart_id, ticket_type_id)
    shop.clock.advance(timedelta(minutes=1))
    first = extend(shop, cart_id, key="more")
    shop.clock.advance(timedelta(minutes=1))
    before = shop.log([cart_id])
    assert extend(shop, cart_id, key="more") == first
    assert shop.log([cart_id]) == before
    with pytest.raises(IdempotencyKeyReused):
        extend(shop, cart_id, key="more", body="other")


def test_there_must_be_something_to_extend_in_an_open_cart_of_ones_own(shop: Shop) -> None:
    _, ticket_type_id = shop.on_sale()
    cart_id = shop.cart()
    with pytest.raises(CartEmpty):
        extend(shop, cart_id)
    shop.add(cart_id, ticket_type_id)
    with pytest.raises(NotFound):
        extend_holds(shop.repository, shop.request(OTHER_CUSTOMER), cart_id, HOLD_FOR)
    shop.check_out(cart_id)
    with pytest.raises(CartCheckedOutAlready):
        extend(shop, cart_id)
