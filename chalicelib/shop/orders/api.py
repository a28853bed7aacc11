"""Routes of the orders."""

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Annotated, Protocol, cast

from pydantic import StringConstraints

from chalicelib.platform.caller import Role
from chalicelib.platform.errors import NotFound
from chalicelib.platform.http.answers import Accepted, Created, Ok, Tagged, accepted, ok
from chalicelib.platform.http.paging import Page, page_of
from chalicelib.platform.http.points_in_time import PointInTimeQuery
from chalicelib.platform.http.requests import Body
from chalicelib.platform.http.routes import Call, Routes
from chalicelib.platform.processes.work import WorkQueue
from chalicelib.platform.services import Services
from chalicelib.shop.orders import commands, payment_answers, queries
from chalicelib.shop.orders.doors.book import CodeBook
from chalicelib.shop.orders.payments import webhooks
from chalicelib.shop.orders.payments.declines import DeclineLimit
from chalicelib.shop.orders.payments.port import PaymentGateway
from chalicelib.shop.orders.payments.sandbox import SandboxGateway

if TYPE_CHECKING:
    from chalicelib.platform.http.shapes import Items, Nothing
    from chalicelib.platform.privacy.vault import PersonVault
    from chalicelib.platform.readmodels.documents.projection import DocumentProjection
    from chalicelib.shop.orders.answers import (
        ActionRequired,
        CodedTicket,
        Order,
        OrderCancelled,
        OrderSummary,
        Paid,
    )
    from chalicelib.shop.orders.rules import OrderStatus


class OrderServices(Services, Protocol):
    """What these routes use of the container."""

    @property
    def documents(self) -> "DocumentProjection": ...

    @property
    def vault(self) -> "PersonVault": ...

    @property
    def gateways(self) -> Mapping[str, PaymentGateway]: ...

    @property
    def work_queue(self) -> WorkQueue: ...

    @property
    def decline_limit(self) -> DeclineLimit: ...

    @property
    def code_book(self) -> CodeBook: ...


routes: Routes[OrderServices] = Routes(__name__)

ShortName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,100}$")]


class NewPayment(Body):
    provider: ShortName
    token: ShortName


class Authentication(Body):
    """Says what the customer did at the bank."""

    client_secret: ShortName
    succeeds: bool


@routes.get("/orders", Role.CUSTOMER)
def list_orders(call: Call[OrderServices], page: Page) -> "Ok[Items[OrderSummary]]":
    """List the customer's orders, the newest first."""
    shop = call.shop
    log = call.metered(shop.event_store)
    found = queries.list_orders(
        shop.documents, log, call.actor.id, page.limit, page.after, shop.clock(), call.min_versions
    )
    return ok(page_of(*found))


@routes.get("/orders/{order_id}", Role.CUSTOMER)
def get_order(call: Call[OrderServices], query: PointInTimeQuery) -> "Tagged[Order]":
    """Show an order to its customer, as it is now or as it was."""
    shop, order_id = call.shop, call.id("order_id")
    log, now = call.metered(shop.event_store), shop.clock()
    point = query.point(now)
    if point is None:
        order = queries.get_order(shop.documents, log, order_id, call.actor.id, now, shop.vault.open, call.min_versions)
    else:
        order = queries.get_order_as_of(log, order_id, call.actor.id, point, shop.vault.open)
    return ok(order, order["version"])


@routes.get("/orders/{order_id}/tickets", Role.CUSTOMER)
def list_tickets(call: Call[OrderServices]) -> "Tagged[Items[CodedTicket]]":
    """List the tickets of an order: none before it is confirmed."""
    shop, order_id = call.shop, call.id("order_id")
    log = call.metered(shop.event_store)
    write, opened = shop.code_book.write, shop.vault.open
    tickets = queries.get_tickets(shop.documents, log, order_id, call.actor.id, write, opened, call.min_versions)
    return ok(page_of(tickets["items"], None), tickets["version"])


@routes.post(
    "/orders/{order_id}/payments",
    Role.CUSTOMER,
    refuses=(
        "already_paid",
        "not_payable",
        "order_expired",
        "payment_declined",
        "payment_in_progress",
        "payment_returned",
        "too_many_declines",
        "too_many_payments",
    ),
)
def pay_order(call: Call[OrderServices], body: NewPayment) -> "Created[Paid] | Accepted[ActionRequired]":
    """Pay an order; 202 says that the customer has to authenticate at the bank first."""
    shop, order_id = call.shop, call.id("order_id")
    admit = partial(shop.decline_limit.admit, call.actor.id, call.address)
    paid = commands.pay_order(shop.repository, shop.gateways, call.caller(), order_id, body.provider, body.token, admit)
    return payment_answers.answer_of(order_id, paid)


@routes.post("/sandbox/payments/{payment_id}/authentication")
def authenticate_sandbox_payment(call: Call[OrderServices], body: Authentication) -> "Accepted[Nothing]":
    """Play the bank of a payment of the sandbox, as developers do; the client secret is the token."""
    sandbox = call.shop.gateways.get("sandbox")
    if not isinstance(sandbox, SandboxGateway):
        raise NotFound("There is no such payment.")
    sandbox.authenticate(call.id("payment_id"), body.client_secret, succeeds=body.succeeds)
    return accepted()


@routes.post(
    "/orders/{order_id}/cancel", Role.CUSTOMER, refuses=("not_cancellable", "order_expired", "payment_in_progress")
)
def cancel_order(call: Call[OrderServices]) -> "Tagged[OrderCancelled]":
    """Cancel an order that is not paid.

    For its customer; an operator may cancel any, also one whose role was granted here.
    """
    shop, order_id = call.shop, call.id("order_id")
    try:
        settled = commands.cancel_order(shop.repository, shop.gateways, call.caller(), order_id)
    except NotFound:
        call.add_granted_roles()
        settled = commands.cancel_order(shop.repository, shop.gateways, call.caller(), order_id)
    answer: OrderCancelled = {
        "order_id": str(order_id),
        "status": cast("OrderStatus", settled.order.status),
        "version": settled.version,
    }
    return ok(answer, settled.version)


@routes.post(
    "/webhooks/payments/{provider}",
    refuses=(
        "bad_signature",
        "not_found",
    ),
)
def receive_notification(call: Call[OrderServices], body: bytes) -> "Accepted[Nothing]":
    """Take a notification of a payment provider, whose signature is the token."""
    shop = call.shop
    gateway = shop.gateways.get(call.parameter("provider"))
    if gateway is None:
        raise NotFound("There is no such provider.")
    webhooks.receive(gateway, shop.work_queue, body, call.headers)
    return accepted()
