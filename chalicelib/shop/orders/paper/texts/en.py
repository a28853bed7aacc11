"""The words in English."""

from collections.abc import Mapping

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)

TEXTS: Mapping[str, str] = {
    "title_one": "Ticket: {concert}",
    "title_many": "Tickets: {concert}",
    "ticket": "Ticket",
    "number": "{number} of {total}",
    "from": "from {time}",
    "from_until": "{time} to {end}",
    "zone": "local time, {zone}",
    "no_date": "Postponed: the new date will be announced",
    "type": "Ticket type",
    "holder": "Name",
    "price": "Price",
    "free": "free",
    "order": "Order",
    "ticket_id": "Ticket number",
    "qr": "QR code that opens the door to {concert}; have it scanned at the entrance.",
    "scan": "Have this code scanned at the entrance",
    "once": "This ticket admits one person, once. Whoever shows the code first is let in: show it to nobody else.",
    "reissue": "If the ticket is lost or copied, the shop gives it a new code, and this one admits nobody any more.",
    "paper": "Print it on white paper in its full size, or show it on a bright screen.",
    "postponed": "Postponed",
    "cancelled": "Cancelled",
}
