"""An organiser limits what one customer may have, and offers more tickets or fewer, over HTTP."""

from uuid import uuid4

from tests.journeys.shop import ANY_VERSION, TICKETS, Shop, cart_with, made, publish_concert, refused


def test_the_quantity_is_raised_and_lowered_while_the_sale_goes_on(shop: Shop) -> None:
    organiser, customer, visitor = shop.organiser(), shop.customer(), shop.visitor()
    concert = publish_concert(organiser, {"quantity": 3})
    path = f"/concerts/{concert.concert_id}/ticket-types/{concert.ticket_type_id}"
    cart_id = cart_with(customer, concert.ticket_type_id, 3)
    refused(
        customer.post(f"/carts/{cart_id}/items", json={"ticket_type_id": concert.ticket_type_id, "quantity": 1}),
        409,
        "sold_out",
    )
    key = {"Idempotency-Key": str(uuid4())}
    raised = organiser.patch(path, json={"quantity": 5}, headers=key | ANY_VERSION)
    assert made(raised)["quantity"] == 5
    assert raised.headers["etag"] == f'"{made(raised)["version"]}"'
    assert made(organiser.patch(path, json={"quantity": 5}, headers=key | ANY_VERSION)) == made(raised)
    made(customer.post(f"/carts/{cart_id}/items", json={"ticket_type_id": concert.ticket_type_id, "quantity": 1}))
    too_few = refused(organiser.patch(path, json={"quantity": 3}, headers=ANY_VERSION), 409, "capacity_below_committed")
    assert (too_few["held"], too_few["sold"], too_few["committed"]) == (4, 0, 4)
    made(organiser.patch(path, json={"quantity": 4}, headers=ANY_VERSION))
    shop.settle()
    found = made(visitor.get(f"/concerts/{concert.concert_id}"))
    assert [kind["quantity"] for kind in found["ticket_types"]] == [4]
    stock = made(visitor.get(f"/concerts/{concert.concert_id}/availability"))
    assert [(kind["capacity"], kind["available"]) for kind in stock["ticket_types"]] == [(4, 0)]
    assert stock["source"] == "read_model"


def test_a_quantity_that_cannot_be_is_refused_with_the_reason(shop: Shop) -> None:
    organiser, other = shop.organiser(), shop.organiser()
    concert = publish_concert(organiser)
    path = f"/concerts/{concert.concert_id}/ticket-types/{concert.ticket_type_id}"
    for quantity in (0, -1, "4", 1.5, None):
        problem = refused(organiser.patch(path, json={"quantity": quantity}, headers=ANY_VERSION), 422, "invalid_input")
        assert [error["pointer"] for error in problem["errors"]] == ["#/quantity"]
    above = refused(organiser.patch(path, json={"quantity": 1001}, headers=ANY_VERSION), 409, "capacity_above_pools")
    assert above["limit"] == 1000
    refused(other.patch(path, json={"quantity": 5}, headers=ANY_VERSION), 403, "forbidden")
    nowhere = f"/concerts/{concert.concert_id}/ticket-types/{uuid4()}"
    refused(organiser.patch(nowhere, json={"quantity": 5}, headers=ANY_VERSION), 404, "not_found")


def test_one_customer_has_no_more_than_the_organiser_allows(shop: Shop) -> None:
    organiser, customer, other = shop.organiser(), shop.customer(), shop.customer()
    concert = publish_concert(organiser, TICKETS, TICKETS | {"name": "Balcony"}, max_per_customer=3)
    shop.settle()
    assert made(shop.visitor().get(f"/concerts/{concert.concert_id}"))["max_per_customer"] == 3
    floor, balcony = concert.ticket_type_ids
    cart_with(customer, floor, 2)
    second = made(customer.post("/carts"))["id"]
    too_many = refused(
        customer.post(f"/carts/{second}/items", json={"ticket_type_id": balcony, "quantity": 2}),
        409,
        "customer_limit_exceeded",
    )
    assert (too_many["limit"], too_many["taken"]) == (3, 2)
    made(customer.post(f"/carts/{second}/items", json={"ticket_type_id": balcony, "quantity": 1}))
    cart_with(other, floor, 3)
