"""Buys tickets as a guest and as a customer, and meets refusals; `mypy --strict` checks it against the client."""

import sys
from uuid import UUID

from cloudbash_client import Cloudbash, Refused, UnexpectedStatus
from cloudbash_client.models import (
    Buyer,
    Checkout,
    CustomerLimitExceededProblem,
    InvalidInputProblem,
    NewItem,
    NewPayment,
    Paid,
    PaymentDeclinedProblem,
    SoldOutProblem,
    UnauthenticatedProblem,
)

BUYER = Buyer("Maria Silva", "maria@example.org")


def main(url: str, name: str, customer: str, organiser: str) -> None:
    with Cloudbash(url) as visitor:
        guest = visitor.create_guest().token
        [concert] = visitor.search_concerts(q=name).items
        floor = concert.ticket_types[0]
        print("found", concert.name, floor.price.amount, floor.price.currency)
        try:
            visitor.create_cart()
        except Refused as refused:
            assert isinstance(refused.problem, UnauthenticatedProblem)
            print("refused", refused.status, refused.code)
    for who, token in (("guest", guest), ("customer", customer)):
        with Cloudbash(url, token, timeout=60) as shop:
            buy(shop, who, floor.id)
    with Cloudbash(url, organiser) as office:
        table = office.list_concert_orders_file(concert.id, format_="csv")
        print("csv", table.decode().splitlines()[0].partition(",")[0])
        try:
            office.list_concert_orders(concert.id, format_="csv")
        except UnexpectedStatus as unread:
            print("not json", unread.status_code)


def buy(shop: Cloudbash, who: str, ticket_type_id: UUID) -> None:
    cart = shop.create_cart()
    refusals(shop, cart.id, ticket_type_id)
    shop.add_item(cart.id, body=NewItem(ticket_type_id, quantity=2), idempotency_key="two")
    again = shop.add_item(cart.id, body=NewItem(ticket_type_id, quantity=2), idempotency_key="two")
    seen = shop.get_cart(cart.id, min_version=f"{cart.id}:{again.version}")
    print(who, "holds", sum(item.quantity for item in seen.items), seen.status)
    placed = shop.check_out(cart.id, body=Checkout(BUYER))
    try:
        shop.pay_order(placed.order_id, body=NewPayment("sandbox", "tok_declined"))
    except Refused as refused:
        assert isinstance(refused.problem, PaymentDeclinedProblem)
        print(who, "declined", refused.status, bool(refused.problem.payment_id))
    paid = shop.pay_order(placed.order_id, body=NewPayment("sandbox", "tok_visa"))
    assert isinstance(paid, Paid)
    paid_for = f"{placed.order_id}:{paid.version}"
    order = shop.get_order(placed.order_id, min_version=paid_for)
    tickets = shop.list_tickets(placed.order_id, min_version=paid_for).items
    print(who, "has", order.status, len(tickets), *{ticket.status for ticket in tickets})
    assert all(ticket.code for ticket in tickets)


def refusals(shop: Cloudbash, cart_id: UUID, ticket_type_id: UUID) -> None:
    for quantity in (9, 0):
        try:
            shop.add_item(cart_id, body=NewItem(ticket_type_id, quantity))
        except Refused as refused:
            match refused.problem:
                case SoldOutProblem(available=available):
                    print("sold_out", available)
                case CustomerLimitExceededProblem(limit=limit):
                    print("limit", limit)
                case InvalidInputProblem(errors=list(errors)):
                    print("invalid", errors[0].pointer)
                case other:
                    print("refused", other.code)


if __name__ == "__main__":
    main(*sys.argv[1:])
