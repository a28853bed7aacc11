"""Routes of the orders."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Protocol
from uuid import UUID

from pydantic import StringConstraints

from chalicelib.platform.caller import Role
from chalicelib.platform.errors import NotFound
from chalicelib.platform.eventsourcing.instants import format_instant
from chalicelib.platform.http.paging import Page, page_of
from chalicelib.platform.http.points_in_time import PointInTimeQuery
from chalicelib.platform.http.requests import Body, Query
from chalicelib.platform.http.routes import Answer, Call, Routes, accepted, created, ok
from chalicelib.platform.processes.work import WorkQueue
from chalicelib.platform.services import Services
from chalicelib.shop.orders import admission, commands, queries
from chalicelib.shop.orders.payments import webhooks
from chalicelib.shop.orders.payments.port import PaymentGateway

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


routes: Routes[OrderServices] = Routes(__name__)

ShortName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,100}$")]


class NewPayment(Body):
    provider: ShortName
    token: ShortName


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
    paid = commands.pay_order(shop.repository, shop.gateways, call.caller(body), order_id, body.provider, body.token)
    answer = {"payment_id": str(paid.payment_id), "status": paid.status}
    answer |= {"order_id": str(order_id), "order_status": paid.order_status}
    return created({**answer, "version": paid.version}, f"/orders/{order_id}")


@routes.post("/concerts/{concert_id}/check-ins", Role.DOOR)
def check_in_ticket(call: Call[OrderServices]) -> Answer:
    body = call.body(ShownTicket)
    shop, concert_id = call.shop, call.id("concert_id")
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
