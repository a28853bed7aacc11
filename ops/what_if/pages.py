"""Presents a comparison: as it was, what if, and the difference."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from chalicelib.platform.eventsourcing.instants import format_instant
from ops.report import Report, Rows, Section
from ops.what_if.comparison import Comparison
from ops.what_if.outcome import MINUTE, Outcome
from ops.what_if.rules import Rules

LIMITS_OF_THE_LOG = (
    "A refusal is no event. Who found nothing, or was over a limit, is not in the log. So nobody knows who would have "
    "taken what these rules set free: the tickets left at the end are the most that others could have had.",
    "People act when they acted then, however much time they have. Whose hold has ended asks for the same tickets "
    "again at the next step; who did not come back then does not come back here.",
    "A limit leaves a customer what it permits. A customer who wants more tickets than are free takes none, and "
    "goes on without; with --patience everybody waits for them, and for equally long.",
    "Payments take as long as they took then, and end alike. What was refunded without going back on sale counts as "
    "sold.",
)
"""What a reader must know to trust no more than can be known."""

_NEVER = "–"

_MEASURES: Mapping[str, tuple[str, int]] = {
    "tickets_on_sale": ("tickets on sale", 0),
    "tickets_sold": ("tickets sold", 0),
    "tickets_left": ("tickets left at the end", 0),
    "customers_served": ("customers with tickets", 0),
    "most_of_one_customer": ("most tickets of one customer", 0),
    "largest_share_percent": ("that customer's share of all sold, %", 1),
    "tickets_in_lapsed_holds": ("tickets in holds that lapsed", 0),
    "tickets_in_unpaid_orders": ("tickets in orders that were not paid", 0),
    "ticket_minutes_blocked": ("tickets × minutes blocked in vain", 1),
    "minutes_until_nothing_free": ("minutes until nothing was free", 1),
    "minutes_to_sold_out": ("minutes to sold out", 1),
}
"""Each measure's label, and the digits after its point."""


def report(comparison: Comparison) -> Report:
    """Show the comparison; it is not `ok` if the replay does not even come to what happened."""
    limits = [{"": f"{number}", " ": text} for number, text in enumerate(LIMITS_OF_THE_LOG, start=1)]
    sections = (
        Section("The sale", _measures(comparison)),
        Section("The customers of then", _customers(comparison)),
        Section("What they asked for then, and what these rules make of it", _requests(comparison)),
        Section("What the log cannot know", limits),
    )
    is_exact = comparison.deviation is None
    return Report([], [record(comparison)], ok=is_exact, headline=_headline(comparison), sections=sections)


def record(comparison: Comparison) -> dict[str, Any]:
    """Return the comparison for machines; null is never."""
    concert, deviation, replayed = comparison.recording.concert, comparison.deviation, comparison.replayed
    return {
        "concert": concert.details.name if concert.details else "",
        "until": format_instant(comparison.recording.until),
        "rules": _rules(comparison.rules),
        "reproduced": deviation is None,
        "deviation": deviation and {"pool_id": str(deviation.pool_id), "version": deviation.version},
        "as_it_was": values(comparison.was),
        "what_if": values(comparison.would_be),
        "customers": [
            {"customer_id": str(key), "as_it_was": was, "what_if": would_be}
            for key, (was, would_be) in comparison.changed.items()
        ],
        "asked": replayed.asked,
        "waited": replayed.waited,
        "refused": dict(replayed.refused),
        "got_fewer": replayed.fewer,
        "asked_again": replayed.again,
        "limits_of_the_log": list(LIMITS_OF_THE_LOG),
    }


def values(outcome: Outcome) -> dict[str, float | int | None]:
    """Return the measures of a sale by name."""
    return {
        "tickets_on_sale": outcome.capacity,
        "tickets_sold": outcome.sold,
        "tickets_left": outcome.capacity - outcome.sold,
        "customers_served": outcome.served,
        "most_of_one_customer": outcome.most,
        "largest_share_percent": outcome.largest_share,
        "tickets_in_lapsed_holds": outcome.lapsed,
        "tickets_in_unpaid_orders": outcome.unpaid,
        "ticket_minutes_blocked": outcome.wasted_minutes,
        "minutes_until_nothing_free": outcome.minutes_until(outcome.nothing_free_at),
        "minutes_to_sold_out": outcome.minutes_until(outcome.sold_out_at),
    }


def _headline(comparison: Comparison) -> tuple[str, str, str]:
    concert, was = comparison.recording.concert, comparison.was
    opened = format_instant(was.opened_at) if was.opened_at else "never"
    name = concert.details.name if concert.details else ""
    return (
        f"{name}, on sale since {opened}",
        _trust(comparison),
        f"What if: {', '.join(_in_words(comparison)) or 'nothing were other'}?",
    )


def _trust(comparison: Comparison) -> str:
    deviation = comparison.deviation
    if deviation is None:
        return f"Replayed as it was, it comes to the same, in all {comparison.events:,} events of its pools."
    return (
        f"DO NOT TRUST THIS: replayed as it was, it comes to something else.\n"
        f"The first difference is version {deviation.version} of pool {deviation.pool_id}."
    )


def _in_words(comparison: Comparison) -> list[str]:
    rules = comparison.rules
    words = {
        "tickets held for {:g} minutes": _minutes(rules.hold_for),
        "{:g} minutes to pay": _minutes(rules.pay_within),
        "at most {:,} a customer": rules.max_per_customer,
        "at most {:,} an order": rules.max_per_order,
        "{:g} minutes of patience": _minutes(rules.patience) or None,
    }
    types = comparison.recording.concert.ticket_types
    changed = [f"{quantity:,} of {types[key].name}" for key, quantity in rules.capacities.items()]
    return [text.format(value) for text, value in words.items() if value is not None] + changed


def _minutes(time: timedelta | None) -> float | None:
    return None if time is None else time / MINUTE


def _rules(rules: Rules) -> dict[str, Any]:
    return {
        "hold_minutes": _minutes(rules.hold_for),
        "payment_minutes": _minutes(rules.pay_within),
        "max_per_customer": rules.max_per_customer,
        "max_per_order": rules.max_per_order,
        "patience_minutes": _minutes(rules.patience),
        "capacities": {str(key): quantity for key, quantity in rules.capacities.items()},
    }


def _measures(comparison: Comparison) -> Rows:
    was, would_be = values(comparison.was), values(comparison.would_be)
    return [
        {
            "": label,
            "as it was": _number(was[name], digits),
            "what if": _number(would_be[name], digits),
            "difference": _difference(was[name], would_be[name], digits),
        }
        for name, (label, digits) in _MEASURES.items()
    ]


def _number(value: float | None, digits: int) -> str:
    return _NEVER if value is None else f"{value:,.{digits}f}"


def _difference(was: float | None, would_be: float | None, digits: int) -> str:
    if was is None or would_be is None:
        return _NEVER
    text = f"{would_be - was:+,.{digits}f}"
    return text.lstrip("+-") if not text.strip("+-0.,") else text


def _customers(comparison: Comparison) -> Rows:
    changed: Mapping[UUID, tuple[int, int]] = comparison.changed
    everybody = comparison.was.tickets.keys() | comparison.would_be.tickets.keys()
    groups = {
        "got as many tickets": (len(everybody) - len(changed), 0),
        "would have got fewer": _group([(a, b) for a, b in changed.values() if 0 < b < a]),
        "would have got none": _group([(a, b) for a, b in changed.values() if not b]),
        "would have got more": _group([(a, b) for a, b in changed.values() if 0 < a < b]),
        "got none, and would have got some": _group([(a, b) for a, b in changed.values() if not a]),
    }
    return [
        {"": name, "customers": f"{count:,}", "tickets": f"{tickets:+,}" if tickets else "0"}
        for name, (count, tickets) in groups.items()
    ]


def _group(pairs: list[tuple[int, int]]) -> tuple[int, int]:
    return len(pairs), sum(would_be - was for was, would_be in pairs)


def _requests(comparison: Comparison) -> Rows:
    replayed = comparison.replayed
    counts = {
        "for tickets": replayed.asked,
        "for tickets again, because the hold had ended": replayed.again,
        "waited, because too few tickets were free": replayed.waited,
        "got fewer tickets, because of a limit": replayed.fewer,
    }
    counts |= {f"refused, {code}": count for code, count in sorted(replayed.refused.items())}
    return [{"": text, "requests": f"{count:,}"} for text, count in counts.items()]
