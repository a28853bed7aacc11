"""A line that cannot be bought any more is named, and does not stop the rest."""

from collections.abc import Collection
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from chalicelib.platform.caller import Actor
from chalicelib.platform.eventsourcing.event import JsonObject
from chalicelib.platform.eventsourcing.session import Session
from chalicelib.shop.carts.cart import LinesExpired
from chalicelib.shop.carts.commands import extend_holds
from chalicelib.shop.carts.lost_lines import LinesNotOnSale
from chalicelib.shop.carts.projections import fold_cart
from chalicelib.shop.carts.queries import get_cart
from chalicelib.shop.concerts.commands import cancel_concert
from chalicelib.shop.inventory.ticket_pool import TICKET_POOL, pool_id
from chalicelib.shop.orders.rules import OrderStatus
from tests.support.request_scenario import FollowedDocuments
from tests.support.shop import CUSTOMER, HOLD_FOR, ORGANISER, Shop

LATER = timedelta(minutes=5)


def cancel(shop: Shop, concert_id: UUID) -> None:
    cancel_concert(shop.other_container(), shop.request(ORGANISER), concert_id)


def extend(shop: Shop, cart_id: UUID, actor: Actor = CUSTOMER) -> Any:
    return extend_holds(shop.repository, shop.request(actor), cart_id, HOLD_FOR, shop.limits)


def cart_of_two(shop: Shop) -> tuple[UUID, tuple[UUID, UUID], tuple[UUID, UUID]]:
    """A cart with lines of two concerts: its id, the concerts and the lines."""
    (one, of_one), (other, of_other) = shop.on_sale(), shop.on_sale()
    cart_id = shop.cart()
    lines = shop.add(cart_id, of_one, 2).item_id, shop.add(cart_id, of_other).item_id
    return cart_id, (one, other), lines


@pytest.mark.parametrize("asking", ["checkout", "extension"])
def test_the_lines_of_a_cancelled_concert_are_named_and_once_removed_the_rest_is_bought(
    memory_shop: Shop, asking: str
) -> None:
    cart_id, (cancelled, _), (lost, _) = cart_of_two(memory_shop)
    cancel(memory_shop, cancelled)
    memory_shop.clock.advance(LATER)
    ask = memory_shop.check_out if asking == "checkout" else lambda cart_id: extend(memory_shop, cart_id)
    with pytest.raises(LinesNotOnSale) as refusal:
        ask(cart_id)
    assert refusal.value.facts["items"] == [str(lost)]
    (line,) = refusal.value.facts["lines"]
    assert (line["item_id"], line["concert_id"], line["reason"]) == (str(lost), str(cancelled), "cancelled")
    memory_shop.remove(cart_id, lost)
    extend(memory_shop, cart_id)
    assert memory_shop.check_out(cart_id).status is OrderStatus.AWAITING_PAYMENT


def test_every_line_that_is_lost_is_named_at_once(memory_shop: Shop) -> None:
    cart_id, concerts, lines = cart_of_two(memory_shop)
    for concert_id in concerts:
        cancel(memory_shop, concert_id)
    with pytest.raises(LinesNotOnSale) as refusal:
        memory_shop.check_out(cart_id)
    assert refusal.value.facts["items"] == [str(key) for key in lines]


def test_a_line_whose_hold_is_gone_by_the_clock_of_its_pool_is_named_too(memory_shop: Shop) -> None:
    """Another container's clock was ahead, and had the pool drop the hold."""
    _, ticket_type_id = memory_shop.on_sale()
    cart_id = memory_shop.cart()
    lost = memory_shop.add(cart_id, ticket_type_id).item_id
    key, ahead = pool_id(ticket_type_id, 0), memory_shop.clock() + HOLD_FOR

    def record(session: Session) -> None:
        session.append(TICKET_POOL, key, *session.load(TICKET_POOL, key).record_lapsed(ahead))

    memory_shop.repository.execute(record, memory_shop.request(ORGANISER).origin)
    with pytest.raises(LinesExpired) as refusal:
        memory_shop.check_out(cart_id)
    assert refusal.value.facts["items"] == [str(lost)]
    assert refusal.value.facts["lines"][0]["reason"] == "hold_expired"


def shown(shop: Shop, cart_id: UUID, cancelled: Collection[UUID] = ()) -> JsonObject:
    documents: Any = FollowedDocuments()
    documents.follow(fold_cart, shop.store, cart_id, len(shop.store.read(cart_id)) - 1)
    return dict(
        get_cart(documents, shop.store, cart_id, CUSTOMER.id, shop.clock(), cancelled_among=lambda _: cancelled)
    )


def test_a_cart_shows_what_cannot_be_bought_and_adds_up_the_rest(memory_shop: Shop) -> None:
    cart_id, (cancelled, _), _ = cart_of_two(memory_shop)
    cart = shown(memory_shop, cart_id, {cancelled})
    assert [(item["problem"], item["expired"]) for item in cart["items"]] == [("cancelled", False), (None, False)]
    assert cart["total"] == {"amount": "25.00", "currency": "EUR"}
    memory_shop.clock.advance(HOLD_FOR)
    cart = shown(memory_shop, cart_id, {cancelled})
    assert [(item["problem"], item["expired"]) for item in cart["items"]] == [
        ("cancelled", True),
        ("hold_expired", True),
    ]
    assert cart["total"] is None


def test_a_cart_that_is_checked_out_belongs_to_its_order(memory_shop: Shop) -> None:
    cart_id, (cancelled, _), _ = cart_of_two(memory_shop)
    memory_shop.check_out(cart_id)
    assert [item["problem"] for item in shown(memory_shop, cart_id, {cancelled})["items"]] == [None, None]
