"""What the dashboard shows of the stock."""

from chalicelib import metrics
from chalicelib.eventsourcing.event import Event
from chalicelib.inventory.events import TicketsHeld, TicketsSold


def count_tickets(event: Event) -> None:
    """For every event of a commit."""
    match event:
        case TicketsHeld():
            metrics.count("TicketsHeld", event.quantity)
        case TicketsSold():
            metrics.count("TicketsSold", event.quantity)
        case _:
            pass
