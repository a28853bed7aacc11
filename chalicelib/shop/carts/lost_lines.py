"""Names the lines of a cart that cannot be bought any more, so that the customer removes these and buys the rest."""

from collections.abc import Iterable

from chalicelib.platform.errors import RuleViolated, facts
from chalicelib.platform.eventsourcing.event import JsonObject
from chalicelib.platform.eventsourcing.session import Session
from chalicelib.shop.carts.cart import LinesExpired
from chalicelib.shop.carts.events import CartLine
from chalicelib.shop.inventory.commands import Lost, why_lost


class LinesNotOnSale(RuleViolated):
    """Some lines are of a cancelled concert."""

    code = "not_on_sale"
    fact_types = facts(items="list[Id]", lines="list[LostLine]")


def ensure_none_lost(session: Session, lines: Iterable[CartLine]) -> None:
    """Check that the hold of every line can be extended, or placed on an order.

    Raises LinesNotOnSale if a concert is cancelled, otherwise LinesExpired; each names all lines that are lost.
    """
    lost = [(line, reason) for line in lines if (reason := why_lost(session, line.shares, line.id)) is not None]
    if not lost:
        return
    items = [str(line.id) for line, _ in lost]
    named = [_named(line, reason) for line, reason in lost]
    if any(reason is Lost.CANCELLED for _, reason in lost):
        detail = "Some of these tickets are not sold any more. Remove the items that are named; the rest can be bought."
        raise LinesNotOnSale(detail, items=items, lines=named)
    raise LinesExpired("The holds of some items have ended; remove these items first.", items=items, lines=named)


def _named(line: CartLine, reason: Lost) -> JsonObject:
    return {
        "item_id": str(line.id),
        "concert_id": None if line.concert_id is None else str(line.concert_id),
        "concert_name": line.concert_name,
        "ticket_type_name": line.ticket_type_name,
        "reason": reason,
    }
