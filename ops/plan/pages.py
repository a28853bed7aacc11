"""Presents the plan in words and tables, for an organiser first, then for the person who runs the account."""

from math import inf, isfinite
from typing import Any

from chalicelib.shop.inventory.pool_sizing import MAX_POOLS
from ops.plan import bill
from ops.plan.buses import Bus
from ops.plan.demand import OnSale
from ops.plan.limits import Limit
from ops.plan.outlook import Plan
from ops.plan.prices import Prices
from ops.plan.timings import Timings
from ops.report import Rows, Section

_NOT_INCLUDED = (
    "tax, free tiers, raised warm throughput, provisioned concurrency, shards and fan-out, the payment provider's "
    "fees, mail, data through NAT, support"
)
MEANINGS = {
    "tickets": "tickets of all ticket types",
    "buyers": "people who come",
    "minutes": "minutes over which they come",
    "tickets_per_order": "tickets in an order, on average",
    "rush": "arrivals at the opening, as a multiple of the mean; 1 is an even stream",
    "looks": "how often a buyer looks at the concert and its availability before asking for tickets",
    "retries": "how often a refused buyer asks again, each time with another look at the availability",
    "abandoned": "share of holds that end unpaid; 15 minutes later their tickets are sold to others",
    "think_seconds": "seconds between two steps of a purchase",
    "read_ms": "assumed milliseconds of one read of DynamoDB",
    "write_ms": "assumed milliseconds of one transaction of DynamoDB",
    "store_ms": "assumed milliseconds of one request to Postgres or Redis",
    "provider_ms": "assumed milliseconds of the payment provider's answer",
    "work_ms": "assumed milliseconds of the API's own work for a request, with 1 GB of memory",
    "around_ms": "assumed milliseconds of network and API Gateway around a request",
}


def headline(plan: Plan, price: float) -> tuple[str, str, str]:
    return _can_it_be_sold(plan), _how_long(plan), _how_much(plan, price)


def headline_of_simulation(plan: Plan) -> tuple[str, str]:
    sale = plan.load.sale
    return (
        f"{sale.tickets:,} tickets, {sale.buyers:,} buyers in {sale.minutes:g} minutes, with the quotas of the plan.",
        "Simulated: all who come until a second after the last ticket is held; everybody with tickets pays.",
    )


def sections(plan: Plan) -> tuple[Section, ...]:
    return (
        Section("To do before the on-sale", _to_do(plan)),
        Section("Limits of a new account, at the worst second", [_limit(limit) for limit in plan.limits]),
        Section("Sizes", _sizes(plan)),
        Section("How long a buyer waits, with the quotas raised", _waits(plan)),
        Section("The bill of the on-sale", _bill(plan.on_sale)),
        Section(f"The bill of a month with {plan.quiet_purchases:,} purchases and no on-sale", _bill(plan.quiet_month)),
        Section("Assumptions", _assumed(plan.load.sale, plan.load.timings)),
        Section("Prices", _prices(plan.prices)),
    )


def buses_section(buses: list[Bus]) -> Section:
    rows = [
        {
            "bus": bus.name,
            "subscribers": bus.subscribers + ("" if bus.suffices else ": too few"),
            "order": bus.order,
            "replay": bus.replay,
            "throughput": bus.throughput,
            "on-sale": dollars(bus.on_sale),
            "a month": dollars(bus.quiet_month),
        }
        for bus in buses
    ]
    return Section("Three event buses", rows)


def record(plan: Plan) -> dict[str, Any]:
    """Return the plan for machines; times are in seconds, null for never."""
    load, contention = plan.load, plan.load.contention
    return {
        "sale": vars(load.sale),
        "timings": vars(load.timings),
        "region": plan.prices.region,
        "tickets_sold": plan.tickets_sold,
        "last_ticket_seconds": _finite(plan.last_ticket(raised=True)),
        "last_ticket_seconds_in_a_new_account": _finite(plan.last_ticket(raised=False)),
        "pools": load.pools,
        "shards": load.shards(),
        "lost_races_per_hold": contention.losses,
        "hold_seconds": {
            "p50": plan.hold_seconds(0.5),
            "p99": plan.hold_seconds(0.99),
            "last": plan.last_hold_seconds(),
        },
        "limits": [
            {
                "name": limit.name,
                "unit": limit.unit,
                "needed": limit.needed,
                "given": limit.given,
                "suffices": limit.suffices,
                "ask_for": limit.to_ask_for if limit.raised_by and not limit.suffices else None,
                "advice": limit.advice,
            }
            for limit in plan.limits
        ],
        "on_sale": [vars(line) for line in plan.on_sale],
        "on_sale_usd": bill.total(plan.on_sale),
        "quiet_month": [vars(line) for line in plan.quiet_month],
        "quiet_month_usd": bill.total(plan.quiet_month),
        "prices_not_in_the_price_list": plan.prices.unlisted,
        "oldest_price": plan.prices.oldest,
    }


def dollars(amount: float) -> str:
    return f"${amount:,.2f}"


def seconds(time: float) -> str:
    if not isfinite(time):
        return "never"
    return f"{time:,.0f} s" if time < 120 else f"{time / 60:,.0f} min"  # noqa: PLR2004 - where minutes read better


def _can_it_be_sold(plan: Plan) -> str:
    sale, few = plan.load.sale, plan.to_raise
    first = f", once {len(few)} quotas are raised" if few else ", with the quotas of a new account"
    if not sale.sells_out:
        return f"Can it be sold?  {plan.tickets_sold:,.0f} of {sale.tickets:,} tickets, for lack of buyers{first}."
    empty = sale.buyers - sale.purchases
    return f"Can it be sold?  Yes, all {sale.tickets:,} tickets{first}; {empty:,.0f} buyers leave without one."


def _how_long(plan: Plan) -> str:
    raised, new = plan.last_ticket(raised=True), plan.last_ticket(raised=False)
    if raised == inf:
        return f"How long until the last ticket is gone?  Never; buyers come for {plan.load.sale.minutes:g} min."
    at_least = "at least " if any(not limit.suffices and not limit.raised_by for limit in plan.limits) else ""
    slower = f", {seconds(new)} with the quotas of a new account" if new > raised else ""
    return f"How long until the last ticket is gone?  {at_least}{seconds(raised)} until it is held{slower}."


def _how_much(plan: Plan, price: float) -> str:
    usd, month = bill.total(plan.on_sale), bill.total(plan.quiet_month)
    each = usd / max(1.0, plan.tickets_sold)
    return (
        f"What does it cost?  {dollars(usd)}: {100 * each:.2f} cents a ticket, {100 * each / price:.2g} % of its "
        f"price; {dollars(month)} a month without an on-sale."
    )


def _to_do(plan: Plan) -> Rows:
    missing = [limit for limit in plan.limits if not limit.suffices]
    rows = [{"limit": limit.name, "what to do": limit.advice} for limit in missing]
    return rows or [{"limit": "none", "what to do": "nothing: the quotas of a new account suffice"}]


def _limit(limit: Limit) -> dict[str, str]:
    return {
        "limit": limit.name,
        "needed": f"{limit.needed:,.0f}",
        "given": f"{limit.given:,.0f}",
        "unit": limit.unit,
        "headroom": "" if limit.headroom == inf else f"{limit.headroom:,.2f}",
        "": "" if limit.suffices else "too little",
    }


def _sizes(plan: Plan) -> Rows:
    load = plan.load
    by_rule = f"by the rule that splits stock; {MAX_POOLS} a ticket type at most"
    sizes = {
        "pools": (f"{load.pools:,}", by_rule),
        "arrivals at the opening": (f"{load.sale.peak:,.0f}", "a second"),
        "holds, checkouts and payments in one pool": (f"{load.contention.writes:,.1f}", "a second"),
        "lost races of a hold": (f"{load.contention.losses:,.2f}", "on average, at the opening"),
        "shards of the event bus": (f"{load.shards():,}", f"for {load.records():,.0f} events a second"),
    }
    return [{"what": what, "number": number, "": note} for what, (number, note) in sizes.items()]


def _waits(plan: Plan) -> Rows:
    def row(step: str, time: float) -> dict[str, str]:
        return {"step": step, "milliseconds": f"{1000 * time:,.0f}"}

    rows = [row("hold, half of all", plan.hold_seconds(0.5)), row("hold, 99 of 100", plan.hold_seconds(0.99))]
    rows.append(row("hold of the last tickets", plan.last_hold_seconds()))
    return rows + [row(step, plan.step_seconds(step)) for step in ("checkout", "payment", "order page", "refusal")]


def _bill(lines: list[bill.Line]) -> Rows:
    rows = [
        {"what": line.what, "quantity": _quantity(line.quantity), "unit": line.unit, "cost": dollars(line.usd)}
        for line in lines
    ]
    return [*rows, {"what": "total", "quantity": "", "unit": "", "cost": dollars(bill.total(lines))}]


def _quantity(number: float) -> str:
    return f"{number:,.0f}" if number >= 100 else f"{number:,.2f}"  # noqa: PLR2004 - where digits stop to matter


def _assumed(sale: OnSale, timings: Timings) -> Rows:
    values = {**vars(sale), **vars(timings)}
    return [
        {"argument": f"--{name.replace('_', '-')}", "value": f"{_plain(values[name])}", "meaning": meaning}
        for name, meaning in MEANINGS.items()
    ]


def _plain(number: float) -> str:
    return f"{number:,.0f}" if number == int(number) else f"{number:g}"


def _prices(prices: Prices) -> Rows:
    unlisted = [prices[name] for name in prices.unlisted]
    listed = [price for name, price in prices.table.items() if name not in prices.unlisted]
    since = min(price.known_on for price in listed)
    return [
        {"prices": f"{len(listed)} of {prices.region}", "known": f"{since} or later, from AWS's price list"},
        {
            "prices": f"{len(unlisted)} of {prices.region}",
            "known": f"{min(price.known_on for price in unlisted)}, from memory of AWS's pricing pages, not "
            f"verified since: {', '.join(prices.unlisted)}",
        },
        {"prices": "not included", "known": _NOT_INCLUDED},
    ]


def _finite(number: float) -> float | None:
    return number if isfinite(number) else None
