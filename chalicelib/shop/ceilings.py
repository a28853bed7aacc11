"""States what one request to each route may cost at most, however it is made and whatever the shop holds.

`tests/contract/ceilings` counts the costs on concerts of 90 and of 4,500 pools, and on streams of 2,000 events.
"""

from typing import NamedTuple

from chalicelib.platform.caller import Role


class Cost(NamedTuple):
    """Counts the requests of one call.

    `log_reads` read streams of the log or its sold-out cache, and bring `log_items`. `requests` are all to DynamoDB:
    these, the commits, snapshots and documents, but not the keys of persons nor the sandbox provider's ledger.
    `postgres` counts statements, `redis` round trips, those included that open a connection and load a script once, and
    `redis_commands` what the server runs, inside scripts as well. `postgres_ms` adds up the milliseconds after which
    the server ends each statement or transaction of the call, `redis_ms` those after which the call waits no longer: no
    call costs these servers more than that, however slow they are, where `QUERY_PATIENCE` is 1.
    """

    log_reads: int = 0
    log_items: int = 0
    requests: int = 0
    postgres: int = 0
    redis: int = 0
    redis_commands: int = 0
    postgres_ms: int = 0
    redis_ms: int = 0


_O, _C, _OPERATOR = Role.ORGANISER, Role.CUSTOMER, Role.OPERATOR

CEILINGS: dict[tuple[str, Role | None], Cost] = {
    ("GET /concerts", None): Cost(2, 120, 2, 110, postgres_ms=1500),
    ("GET /concerts/{concert_id}", None): Cost(3, 4100, 3, 110, postgres_ms=1500),
    ("GET /concerts/{concert_id}/availability", None): Cost(3, 4100, 5, 0, 10, redis_commands=23000, redis_ms=1000),
    ("GET /concerts/{concert_id}/availability", _C): Cost(2, 1, 2, 0, 0),
    ("GET /concerts/{concert_id}/availability", _O): Cost(10, 4100, 10, 0, 0),
    ("GET /concerts/{concert_id}/availability", _OPERATOR): Cost(10, 4100, 10, 0, 0),
    ("GET /concerts/{concert_id}/door-rules", None): Cost(3, 2100, 3, 0, 0),
    ("GET /concerts/{concert_id}/refund-policy", None): Cost(3, 2100, 3, 0, 0),
    ("GET /me/data", _C): Cost(10, 1000, 20, 0, 0),
    ("GET /people/{person_id}/erasure", None): Cost(3, 2100, 3, 0, 0),
    ("GET /venues", None): Cost(2, 120, 2, 110, postgres_ms=1500),
    ("GET /venues/{venue_id}", None): Cost(2, 120, 2, 110, postgres_ms=1500),
    ("GET /health", None): Cost(0, 0, 0, 0, 0),
    ("GET /openapi.json", None): Cost(0, 0, 0, 0, 0),
    ("GET /health", _OPERATOR): Cost(2, 0, 5, 3, 10, redis_commands=10, postgres_ms=3000, redis_ms=1000),
    ("GET /carts/{cart_id}", _C): Cost(3, 2100, 5, 0, 10, redis_commands=30),
    ("GET /orders", _C): Cost(3, 120, 8, 0, 0),
    ("GET /orders/{order_id}", _C): Cost(3, 2100, 6, 0, 0),
    ("GET /orders/{order_id}/tickets", _C): Cost(5, 510, 8, 0, 0),
    ("GET /orders/{order_id}/tickets.pdf", _C): Cost(7, 4600, 14, 0, 0),
    ("GET /orders/{order_id}/tickets.ics", _C): Cost(7, 4600, 14, 0, 0),
    ("GET /tickets/{ticket}", _C): Cost(7, 2600, 14, 140, postgres_ms=12000),
    ("GET /tickets/{ticket}/google-wallet", _C): Cost(7, 2600, 14, 140, postgres_ms=12000),
    ("GET /concerts/{concert_id}/ticket-keys", None): Cost(1, 110, 1, 0, 0),
    ("GET /concerts/{concert_id}/sold", None): Cost(2, 110, 2, 0, 0),
    ("GET /concerts/{concert_id}/sold/register", None): Cost(2, 110, 2, 0, 0),
    ("GET /orders/{order_id}/tickets/{ticket_id}/proof", _C): Cost(6, 520, 9, 0, 0),
    ("GET /concerts/{concert_id}/door-list", _C): Cost(9, 4200, 9, 140, postgres_ms=12000),
    ("GET /concerts/{concert_id}/door-counts", _C): Cost(9, 4200, 9, 140, postgres_ms=12000),
    ("GET /concerts/{concert_id}/door-report", _C): Cost(9, 4200, 9, 140, postgres_ms=12000),
    ("GET /orders/{order_id}/refunds", _C): Cost(8, 6100, 8, 0, 0),
    ("GET /orders/{order_id}/timeline", _C): Cost(10, 1500, 12, 0, 0),
    ("GET /streams/{stream_id}/events", _C): Cost(3, 1, 3, 0, 0),
    ("GET /streams/{stream_id}/events", _O): Cost(10, 6200, 12, 0, 0),
    ("GET /streams/{stream_id}/events", _OPERATOR): Cost(7, 3200, 8, 0, 0),
    ("GET /sales", _O): Cost(4, 120, 5, 140, postgres_ms=12000),
    ("GET /sales/orders", _O): Cost(4, 120, 5, 140, postgres_ms=12000),
    ("GET /sales/attendees", _O): Cost(4, 120, 5, 140, postgres_ms=12000),
    ("GET /sales/refunds", _O): Cost(4, 120, 5, 140, postgres_ms=12000),
    ("GET /sales/days", _O): Cost(4, 120, 5, 140, postgres_ms=12000),
    ("GET /concerts/{concert_id}/sales", _O): Cost(4, 120, 5, 140, postgres_ms=12000),
    ("GET /concerts/{concert_id}/orders", _O): Cost(4, 120, 5, 140, postgres_ms=12000),
    ("GET /concerts/{concert_id}/attendees", _O): Cost(4, 120, 5, 140, postgres_ms=12000),
    ("GET /concerts/{concert_id}/refunds", _O): Cost(4, 120, 5, 140, postgres_ms=12000),
    ("GET /concerts/{concert_id}/sales/days", _O): Cost(4, 120, 5, 140, postgres_ms=12000),
    ("GET /concerts/{concert_id}/sales/opening", _O): Cost(4, 120, 5, 140, postgres_ms=12000),
    ("POST /venues", _O): Cost(2, 20, 3, 0, 0),
    ("PATCH /venues/{venue_id}", _O): Cost(4, 2100, 5, 0, 0),
    ("DELETE /venues/{venue_id}", _O): Cost(4, 20, 5, 0, 0),
    ("POST /concerts", _O): Cost(4, 2100, 5, 0, 0),
    ("PATCH /concerts/{concert_id}", _O): Cost(115, 6300, 230, 0, 0),
    ("PATCH /concerts/{concert_id}/venue", _O): Cost(115, 6300, 230, 0, 0),
    ("POST /concerts/{concert_id}/move", _O): Cost(115, 6300, 230, 0, 0),
    ("POST /concerts/{concert_id}/postpone", _O): Cost(115, 6300, 230, 0, 0),
    ("POST /concerts/{concert_id}/sales/close", _O): Cost(115, 6300, 230, 0, 0),
    ("POST /concerts/{concert_id}/sales/open", _O): Cost(115, 6300, 230, 0, 0),
    ("DELETE /concerts/{concert_id}", _O): Cost(4, 20, 5, 0, 0),
    ("POST /concerts/{concert_id}/schedule", _O): Cost(4, 20, 5, 0, 0),
    ("POST /concerts/{concert_id}/ticket-types", _O): Cost(4, 200, 5, 0, 0),
    ("PATCH /concerts/{concert_id}/ticket-types/{ticket_type_id}", _O): Cost(350, 1000, 450, 0, 0),
    ("DELETE /concerts/{concert_id}/ticket-types/{ticket_type_id}", _O): Cost(4, 200, 5, 0, 0),
    ("POST /concerts/{concert_id}/areas", _O): Cost(3, 200, 4, 0, 0),
    ("PATCH /concerts/{concert_id}/areas/{area_id}", _O): Cost(350, 1000, 450, 0, 0),
    ("DELETE /concerts/{concert_id}/areas/{area_id}", _O): Cost(3, 200, 4, 0, 0),
    ("POST /concerts/{concert_id}/publish", _O): Cost(5, 2200, 111, 0, 0),
    ("POST /concerts/{concert_id}/cancel", _O): Cost(110, 200, 120, 0, 0),
    ("POST /concerts/{concert_id}/refund-policy", _O): Cost(4, 2100, 6, 0, 0),
    ("POST /concerts/{concert_id}/complimentary-tickets", _O): Cost(100, 2500, 200, 0, 0),
    ("POST /concerts/{concert_id}/door-staff", _O): Cost(4, 20, 5, 0, 0),
    ("DELETE /concerts/{concert_id}/door-staff/{person_id}", _O): Cost(4, 20, 5, 0, 0),
    ("POST /door-staff", _O): Cost(4, 620, 5, 0, 0),
    ("DELETE /door-staff/{person_id}", _O): Cost(4, 620, 5, 0, 0),
    ("GET /me", _C): Cost(2, 20, 2, 0, 0),
    ("GET /organisers/{organiser_id}/members", _O): Cost(3, 620, 3, 0, 0),
    ("PATCH /organisers/{organiser_id}/members/{person_id}", _O): Cost(4, 720, 5, 0, 0),
    ("DELETE /organisers/{organiser_id}/members/{person_id}", _C): Cost(4, 720, 5, 0, 0),
    ("POST /organisers/{organiser_id}/invitations", _O): Cost(3, 700, 4, 0, 0),
    ("GET /organisers/{organiser_id}/invitations", _O): Cost(3, 620, 3, 0, 0),
    ("DELETE /organisers/{organiser_id}/invitations/{invitation_id}", _O): Cost(3, 700, 4, 0, 0),
    ("POST /organisers/{organiser_id}/invitations/{invitation_id}/accept", _C): Cost(3, 720, 4, 0, 0),
    ("POST /organisers/{organiser_id}/api-keys", _O): Cost(3, 700, 4, 0, 0),
    ("GET /organisers/{organiser_id}/api-keys", _O): Cost(3, 620, 3, 0, 0),
    ("DELETE /organisers/{organiser_id}/api-keys/{key_id}", _O): Cost(4, 720, 5, 0, 0),
    ("POST /carts", _C): Cost(6, 2100, 8, 0, 0),
    ("POST /carts/{cart_id}/items", _C): Cost(200, 2500, 210, 0, 0),
    ("DELETE /carts/{cart_id}/items/{item_id}", _C): Cost(45, 2300, 50, 0, 0),
    ("POST /carts/{cart_id}/hold-extensions", _C): Cost(45, 2300, 50, 0, 0),
    ("POST /carts/{cart_id}/checkout", _C): Cost(45, 2300, 50, 0, 0),
    ("POST /orders/{order_id}/payments", _C): Cost(45, 500, 50, 0, 0),
    ("POST /orders/{order_id}/cancel", _C): Cost(50, 500, 55, 0, 0),
    ("POST /orders/{order_id}/refunds", _C): Cost(60, 600, 70, 0, 0),
    ("POST /orders/{order_id}/moves", _C): Cost(140, 6500, 230, 0, 0),
    ("PATCH /orders/{order_id}/buyer", _C): Cost(5, 2100, 6, 0, 0),
    ("POST /orders/{order_id}/tickets/{ticket_id}/reissue", _C): Cost(4, 2100, 6, 0, 0),
    ("POST /concerts/{concert_id}/ticket-keys", _OPERATOR): Cost(5, 20, 6, 0, 0),
    ("POST /concerts/{concert_id}/ticket-keys/{key_id}/revoke", _OPERATOR): Cost(5, 40, 6, 0, 0),
    ("POST /concerts/{concert_id}/door-rules", _O): Cost(5, 20, 6, 0, 0),
    ("POST /concerts/{concert_id}/check-ins", _C): Cost(7, 30, 9, 0, 0),
    ("POST /concerts/{concert_id}/exits", _C): Cost(7, 30, 8, 0, 0),
    ("POST /concerts/{concert_id}/check-ins/undo", _C): Cost(5, 30, 6, 0, 0),
    ("POST /concerts/{concert_id}/check-ins/batch", _C): Cost(224, 1200, 330, 0, 0),
    ("POST /guests", None): Cost(2, 2100, 2, 0, 0),
    ("POST /orders/{order_id}/link", _C): Cost(4, 2200, 6, 0, 0),
    ("POST /me/orders", _C): Cost(4, 2200, 6, 0, 0),
    ("POST /accounts/{person_id}/disable", _OPERATOR): Cost(3, 20, 4, 0, 0),
    ("POST /accounts/{person_id}/enable", _OPERATOR): Cost(3, 20, 4, 0, 0),
    ("DELETE /me", _C): Cost(25, 2200, 26, 3, postgres_ms=2000),
    ("DELETE /people/{person_id}", _OPERATOR): Cost(25, 2200, 26, 3, postgres_ms=2000),
    ("DELETE /orders/{order_id}/guest", _O): Cost(6, 20, 8, 0, 0),
    ("POST /webhook-endpoints", _O): Cost(3, 200, 4, 0, 0),
    ("GET /webhook-endpoints", _O): Cost(3, 200, 4, 0, 0),
    ("GET /webhook-endpoints/{endpoint_id}", _O): Cost(3, 200, 4, 0, 0),
    ("PATCH /webhook-endpoints/{endpoint_id}", _O): Cost(4, 200, 5, 0, 0),
    ("DELETE /webhook-endpoints/{endpoint_id}", _O): Cost(3, 200, 4, 0, 0),
    ("POST /webhook-endpoints/{endpoint_id}/rotate-secret", _O): Cost(4, 200, 5, 0, 0),
    ("POST /webhook-endpoints/{endpoint_id}/test", _O): Cost(3, 200, 4, 0, 0),
    ("GET /webhook-endpoints/{endpoint_id}/deliveries", _O): Cost(3, 200, 5, 0, 0),
    ("GET /webhook-endpoints/{endpoint_id}/deliveries/{delivery_id}", _O): Cost(3, 200, 5, 0, 0),
    ("POST /webhook-endpoints/{endpoint_id}/deliveries/{delivery_id}/redeliver", _O): Cost(3, 200, 5, 0, 0),
    ("POST /webhook-endpoints/{endpoint_id}/replay", _O): Cost(4, 200, 5, 4, postgres_ms=3000),
    ("POST /webhooks/payments/{provider}", None): Cost(0, 0, 0, 0, 0),
    ("GET /unsubscribe/{token}", None): Cost(0, 0, 0, 0, 0),
    ("POST /unsubscribe/{token}", None): Cost(2, 20, 3, 0, 0),
    ("POST /sandbox/payments/{payment_id}/authentication", None): Cost(0, 0, 0, 0, 0),
}
"""The ceilings by route and role. The first look at a concert in an hour adds up its pools in Redis, and the next ones
run a few commands a ticket type (ADR 40). A hold in a new container is dear only where no pool has the quantity: it
then reads all pools of the type twice, and a line over forty pools is changed in each of them."""
