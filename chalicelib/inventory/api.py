"""Routes of the stock."""

from chalicelib import composition
from chalicelib.errors import Unavailable
from chalicelib.http.routes import Answer, Call, Routes, ok
from chalicelib.inventory import queries

routes = Routes(__name__)


@routes.get("/concerts/{concert_id}/availability")
def get_availability(call: Call) -> Answer:
    """From Redis; from the log where Redis is away or does not know every pool, and then the answer says so."""
    shop, concert_id = composition.current(), call.id("concert_id")
    try:
        ticket_types = queries.availability(shop.redis, concert_id, shop.clock())
    except Unavailable:
        ticket_types = None
    if ticket_types is not None:
        return ok({"ticket_types": ticket_types, "source": "read_model"})
    return ok(
        {"ticket_types": queries.availability_from_log(shop.repository, concert_id, shop.clock()), "source": "log"}
    )
