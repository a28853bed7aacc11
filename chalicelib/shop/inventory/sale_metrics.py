"""Counts what the dashboard shows of the stock."""

from chalicelib.platform import metrics
from chalicelib.platform.eventsourcing.event import Event
from chalicelib.shop.inventory.events import TicketsHeld, TicketsSold


def record_sale_metrics(event: Event) -> None:
    """Count held and sold tickets; called with every event of a commit."""
    match event:
        case TicketsHeld():
            metrics.count("TicketsHeld", event.quantity)
        case TicketsSold():
            metrics.count("TicketsSold", event.quantity)
        case _:
            pass
