"""Routes of the orders."""

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Annotated, Protocol
from uuid import UUID

from pydantic import StringConstraints

from chalicelib.platform.caller import KeyScope, Role
from chalicelib.platform.errors import NotFound
from chalicelib.platform.eventsourcing.instants import format_instant
from chalicelib.platform.http.paging import Page, page_of
from chalicelib.platform.http.points_in_time import PointInTimeQuery
from chalicelib.platform.http.requests import Body, Query
from chalicelib.platform.http.routes import Answer, Call, Routes, accepted, created, ok
from chalicelib.platform.processes.work import WorkQueue
from chalicelib.platform.services import Services
from chalicelib.shop.access.commands import Accounts
from chalicelib.shop.orders import admission, commands, payment_answers, queries
from chalicelib.shop.orders.payments import webhooks
from chalicelib.shop.orders.payments.declines import DeclineLimit
from chalicelib.shop.orders.payments.port import PaymentGateway
from chalicelib.shop.orders.payments.sandbox import SandboxGateway

if TYPE_CHECKING:
    from chalicelib.platform.privacy.vault import PersonVault
    from chalicelib.platform.readmodels.documents.projection import DocumentProjection


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
    def accounts(self) -> Accounts: ...


routes: Routes[OrderServices] = Routes(__name__)

ShortName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,100}$")]


class NewPayment(Body):
    provider: ShortName
    token: ShortName


class Authentication(Body):
    """Says what the customer did at the bank."""

    client_secret: ShortName
    succeeds: bool


class ShownTicket(Body):
    """What the code on a ticket holds."""

    order_id: UUID
    ticket_id: UUID


@routes.get("/orders", Role.CUSTOMER)
def list_orders(call: Call[OrderServices]) -> Answer:
    shop, page = call.shop, call.query(Page)
    log = call.metered(shop.event_store)
    found = queries.list_orders(
        shop.documents, log, call.actor.id, page.limit, page.after, shop.clock(), call.min_versions
    )
    return ok(page_of(*found))


@routes.get("/orders/{order_id}", Role.CUSTOMER)
def get_order(call: Call[OrderServices]) -> Answer:
    shop, order_id = call.shop, call.id("order_id")
    log, now = call.metered(shop.event_store), shop.clock()
    point = call.query(PointInTimeQuery).point(now)
    if point is None:
        order = queries.get_order(shop.documents, log, order_id, call.actor.id, now, shop.vault.open, call.min_versions)
    else:
        order = queries.get_order_as_of(log, order_id, call.actor.id, point, shop.vault.open)
    return ok(order, order["version"])


@routes.get("/orders/{order_id}/tickets", Role.CUSTOMER)
def list_tickets(call: Call[OrderServices]) -> Answer:
    call.query(Query)
    shop, order_id = call.shop, call.id("order_id")
    log = call.metered(shop.event_store)
    tickets = queries.get_tickets(shop.documents, log, order_id, call.actor.id, call.min_versions)
    return ok(page_of(tickets["items"], None), tickets["version"])


@routes.post("/orders/{order_id}/payments", Role.CUSTOMER)
def pay_order(call: Call[OrderServices]) -> Answer:
    body = call.body(NewPayment)
    shop, order_id = call.shop, call.id("order_id")
    admit = partial(shop.decline_limit.admit, call.actor.id, call.address)
    paid = commands.pay_order(
        shop.repository, shop.gateways, call.caller(body), order_id, body.provider, body.token, admit
    )
    return payment_answers.answer_of(order_id, paid)


@routes.post("/sandbox/payments/{payment_id}/authentication")
def authenticate_sandbox_payment(call: Call[OrderServices]) -> Answer:
    """For developers, who play the bank of a payment; the client secret is their token."""
    sandbox, body = call.shop.gateways.get("sandbox"), call.body(Authentication)
    if not isinstance(sandbox, SandboxGateway):
        raise NotFound("There is no such payment.")
    sandbox.authenticate(call.id("payment_id"), body.client_secret, succeeds=body.succeeds)
    return accepted()


@routes.post("/orders/{order_id}/cancel", Role.CUSTOMER)
def cancel_order(call: Call[OrderServices]) -> Answer:
    """For the order's customer; an operator may cancel any, also one whose role was granted here."""
    shop, order_id = call.shop, call.id("order_id")
    try:
        settled = commands.cancel_order(shop.repository, shop.gateways, call.caller(), order_id)
    except NotFound:
        call.add_granted_roles()
        settled = commands.cancel_order(shop.repository, shop.gateways, call.caller(), order_id)
    answer = {"order_id": str(order_id), "status": settled.order.status, "version": settled.version}
    return ok(answer, settled.version)


@routes.post("/concerts/{concert_id}/check-ins", Role.CUSTOMER, scopes=(KeyScope.DOOR,))
def check_in_ticket(call: Call[OrderServices]) -> Answer:
    body = call.body(ShownTicket)
    shop, concert_id = call.shop, call.id("concert_id")
    call.ensure_may_be_staff()
    shop.accounts.ensure_at_door(call.actor, concert_id)
    admitted = admission.check_in(shop.repository, call.caller(body), concert_id, body.order_id, body.ticket_id)
    answer = {"ticket_id": str(admitted.ticket_id), "ticket_type_name": admitted.ticket_type_name}
    answer |= {"checked_in_at": format_instant(admitted.checked_in_at)}
    return created({**answer, "version": admitted.version}, f"/orders/{body.order_id}/tickets")


@routes.post("/webhooks/payments/{provider}")
def receive_notification(call: Call[OrderServices]) -> Answer:
    """For payment providers; their signature is their token."""
    shop = call.shop
    gateway = shop.gateways.get(call.parameter("provider"))
    if gateway is None:
        raise NotFound("There is no such provider.")
    webhooks.receive(gateway, shop.work_queue, call.raw_body, call.headers)
    return accepted()
