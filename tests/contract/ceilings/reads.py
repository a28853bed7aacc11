"""Every way to make a read expensive: whatever ids, parameters and headers come."""

from collections.abc import Iterator, Mapping
from itertools import product
from typing import NamedTuple
from uuid import UUID, uuid4

from chalicelib.platform.caller import Actor, Role
from chalicelib.platform.eventsourcing.instants import format_instant
from chalicelib.platform.http.answers import PDF, PKPASS
from chalicelib.shop.inventory.ticket_pool import pool_id
from tests.contract.ceilings.conftest import DOOR, LONG, OWNER, REGULAR, STAFF, Large
from tests.support.shop import CUSTOMER, OPERATOR, ORGANISER


class Request(NamedTuple):
    """One request to a route, by an actor with this role, or by nobody."""

    route: str
    role: Role | None
    actor: Actor | None
    path: str
    headers: Mapping[str, str]


def headers_of(large: Large) -> list[dict[str, str]]:
    """What a reader may claim to have seen."""
    pools = [pool_id(large.of_ninety, index) for index in range(20)]
    claims = [
        {uuid4(): 0 for _ in range(20)},
        {large.pool: LONG, large.cart: LONG, large.order: LONG, large.venue: 40, large.concert: 40},
        {large.pool: LONG, large.cart: 60, large.order: 90, large.venue: LONG, large.concert: LONG},
        {large.unseen_small: 3, large.order: 90},
        {large.ninety: 10**9, large.many_types: 10**9},
        dict.fromkeys(pools, 1),
    ]
    return [{}, *({"Min-Version": ", ".join(f"{key}:{version}" for key, version in claim.items())} for claim in claims)]


def requests_of(large: Large) -> Iterator[Request]:
    """All reads of what is large, unseen or not there, and the first of each route with all headers."""
    for (route, role, actor), paths in _paths(large).items():
        yield from (Request(route, role, actor, path, _accepting(path)) for path in paths)
        claims, kind = headers_of(large)[1:], _accepting(paths[0])
        yield from (Request(route, role, actor, paths[0], {**kind, **headers}) for headers in claims)


def _accepting(path: str) -> dict[str, str]:
    """What a client says that wants a file of bytes."""
    kinds = {".pkpass": PKPASS, ".pdf": PDF}
    return next(({"Accept": kind} for ending, kind in kinds.items() if path.endswith(ending)), {})


def _paths(large: Large) -> dict[tuple[str, Role | None, Actor | None], list[str]]:
    stranger, now = uuid4(), format_instant(large.world.shop.clock())
    concerts = [large.ninety, large.many_types, large.concert, large.unseen_small, large.pool, stranger]
    points = ["", f"?as_of={now}"]
    availability, events = "GET /concerts/{concert_id}/availability", "GET /streams/{stream_id}/events"
    past = [f"/concerts/{key}/availability?as_of={now}" for key in (*concerts, large.small)]
    filters = ["", "?since=2030-01-01T12:00:00Z", "?type=Nothing", "?changes=true&limit=1&from_version=1990"]
    listed = [f"/streams/{key}/events{part}" for key, part in product([large.concert, large.pool], filters)]
    carts, orders = [large.cart, large.pool, stranger], [large.order, large.pool, stranger]
    return {
        ("GET /concerts", None, None): [
            f"/concerts?limit=100&q=patti&location=amsterdam&venue_id={large.venue}",
            "/concerts?limit=100&q=pattie+smyth+aganist+amstredam&near=52.4,4.9,500&facets=true",
        ],
        ("GET /concerts/{concert_id}", None, None): [f"/concerts/{key}{at}" for at, key in product(points, concerts)],
        ("GET /concerts/{concert_id}/door-rules", None, None): [f"/concerts/{key}/door-rules" for key in concerts],
        ("GET /concerts/{concert_id}/refund-policy", None, None): [
            f"/concerts/{key}/refund-policy" for key in concerts
        ],
        ("GET /concerts/{concert_id}/ticket-keys", None, None): [f"/concerts/{key}/ticket-keys" for key in concerts],
        ("GET /concerts/{concert_id}/sold", None, None): [
            f"/concerts/{key}/sold{number}" for number, key in product(("", "?number=1"), (large.certified, *concerts))
        ],
        ("GET /concerts/{concert_id}/sold/register", None, None): [
            f"/concerts/{key}/sold/register" for key in (large.certified, *concerts)
        ],
        ("GET /orders/{order_id}/tickets/{ticket_id}/proof", Role.CUSTOMER, REGULAR): [
            f"/orders/{order_id}/tickets/{ticket_id}/proof"
            for order_id, ticket_id in (large.counted, (large.order, stranger), (stranger, stranger))
        ],
        ("GET /tickets/{ticket}", Role.CUSTOMER, CUSTOMER): [
            f"/tickets/{key}{kind}"
            for kind, key in product((".pkpass", "", ".svg", ".pdf", ".ics"), (large.ticket, stranger))
        ],
        ("GET /tickets/{ticket}/google-wallet", Role.CUSTOMER, CUSTOMER): [
            f"/tickets/{key}/google-wallet" for key in (large.ticket, stranger)
        ],
        **{
            (f"GET /concerts/{{concert_id}}/{what}", Role.CUSTOMER, actor): [
                f"/concerts/{key}/{what}" for key in concerts
            ]
            for what, actor in (("door-list", DOOR), ("door-counts", ORGANISER), ("door-report", ORGANISER))
        },
        ("GET /people/{person_id}/erasure", None, None): [
            f"/people/{key}/erasure" for key in (large.order, large.pool, CUSTOMER.id, stranger)
        ],
        ("GET /venues", None, None): ["/venues?limit=100"],
        ("GET /venues/{venue_id}", None, None): [f"/venues/{key}" for key in (large.venue, large.pool, stranger)],
        ("GET /health", None, None): ["/health"],
        ("GET /health", Role.OPERATOR, OPERATOR): ["/health?deep=true"],
        (availability, None, None): [f"/concerts/{key}/availability" for key in concerts] + past[:1],
        (availability, Role.CUSTOMER, CUSTOMER): past[:1],
        (availability, Role.ORGANISER, ORGANISER): past,
        (availability, Role.ORGANISER, STAFF): past,
        (availability, Role.OPERATOR, OPERATOR): past,
        ("GET /carts/{cart_id}", Role.CUSTOMER, CUSTOMER): [f"/carts/{key}{at}" for at, key in product(points, carts)],
        ("GET /orders", Role.CUSTOMER, CUSTOMER): ["/orders?limit=100"],
        ("GET /orders/{order_id}", Role.CUSTOMER, CUSTOMER): [
            f"/orders/{key}{at}" for at, key in product(points, orders)
        ],
        ("GET /orders/{order_id}/tickets", Role.CUSTOMER, CUSTOMER): [f"/orders/{key}/tickets" for key in orders],
        **{
            (f"GET /orders/{{order_id}}/tickets.{kind}", Role.CUSTOMER, CUSTOMER): [
                f"/orders/{key}/tickets.{kind}" for key in orders
            ]
            for kind in ("pdf", "ics")
        },
        ("GET /orders/{order_id}/refunds", Role.CUSTOMER, ORGANISER): [f"/orders/{key}/refunds" for key in orders],
        ("GET /orders/{order_id}/timeline", Role.CUSTOMER, ORGANISER): [f"/orders/{key}/timeline" for key in orders],
        ("GET /me/data", Role.CUSTOMER, REGULAR): ["/me/data"],
        ("GET /orders/{order_id}/refunds", Role.CUSTOMER, STAFF): [f"/orders/{key}/refunds" for key in orders],
        **_sales_paths(concerts, ORGANISER),
        **_sales_paths(concerts, STAFF),
        **_team_paths(ORGANISER),
        **_team_paths(OWNER),
        (events, Role.CUSTOMER, CUSTOMER): listed[:1],
        (events, Role.ORGANISER, ORGANISER): listed,
        (events, Role.ORGANISER, STAFF): listed,
        (events, Role.OPERATOR, OPERATOR): listed,
    }


def _team_paths(actor: Actor) -> dict[tuple[str, Role | None, Actor | None], list[str]]:
    """What a member reads of the team."""
    found: dict[tuple[str, Role | None, Actor | None], list[str]] = {
        (f"GET /organisers/{{organiser_id}}/{what}", Role.ORGANISER, actor): [f"/organisers/{ORGANISER.id}/{what}"]
        for what in ("members", "invitations", "api-keys")
    }
    found["GET /me", Role.CUSTOMER, actor] = ["/me"]
    return found


def _sales_paths(concerts: list[UUID], actor: Actor) -> dict[tuple[str, Role | None, Actor | None], list[str]]:
    """What organisers read, as much of it as a request may ask for."""
    of_concert = {
        "sales": "",
        "orders": "?format=csv&limit=2000",
        "attendees": "?format=csv&limit=2000",
        "refunds": "?format=csv&limit=2000",
        "sales/days": "?limit=2000",
        "sales/opening": "?minutes=240",
    }
    found: dict[tuple[str, Role | None, Actor | None], list[str]] = {
        (f"GET /concerts/{{concert_id}}/{what}", Role.ORGANISER, actor): [
            f"/concerts/{key}/{what}{query}" for key in concerts
        ]
        for what, query in of_concert.items()
    }
    own = {"": "?limit=100", "/orders": "?q=carla", "/attendees": "?q=carla", "/refunds": "", "/days": ""}
    for what, query in own.items():
        found[f"GET /sales{what}", Role.ORGANISER, actor] = [f"/sales{what}{query}"]
    return found
