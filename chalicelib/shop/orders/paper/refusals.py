"""Defines why an order's tickets cannot be put on paper or into a calendar."""

from chalicelib.platform.errors import RuleViolated


class NoTickets(RuleViolated):
    """The order has no tickets yet."""

    code = "no_tickets"


class NoDate(RuleViolated):
    """The concerts of the tickets never had a date."""

    code = "no_date"
