"""The plan in words and tables, for an organiser first and for who runs the account next."""

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

_NOT_IN_IT = (
    "tax, free tiers, raised warm throughput, provisioned concurrency, shards and fan-out, the payment provider's "
    "fees, mail, what goes through NAT, support"
)
MEANINGS = {
    "tickets": "of all ticket types",
    "buyers": "people who come",
    "minutes": "over which they come",
    "tickets_per_order": "on average",
    "rush": "arrivals at the opening, as a multiple of the mean; 1 is an even stream",
    "looks": "at the concert's page and what is left, before a buyer asks for tickets",
    "retries": "of a refused buyer, each with another look at what is left",
    "abandoned": "share of holds that end unpaid; 15 minutes later their tickets are sold to others",
    "think_seconds": "between two steps of a purchase",
    "read_ms": "one read of DynamoDB (assumed)",
    "write_ms": "one transaction of DynamoDB (assumed)",
    "store_ms": "one request to Postgres or Redis (assumed)",
    "provider_ms": "the payment provider's answer (assumed)",
    "work_ms": "the API's own work for a request, with 1 GB of memory (assumed)",
    "around_ms": "network and API Gateway around a request (assumed)",
}


def headline(plan: Plan, price: float) -> tuple[str, str, str]:
    return _can_it_be_sold(plan), _how_long(plan), _how_much(plan, price)


def headline_of_simulation(plan: Plan) -> tuple[str, str]:
    sale = plan.load.sale
    return (
        f"{sale.tickets:,} tickets, {sale.buyers:,} buyers in {sale.minutes:g} minutes, with the quotas asked for.",
        "Simulated: all who come until the last ticket is held and a second longer; whoever has tickets pays.",
    )


def sections(plan: Plan) -> tuple[Section, ...]:
    return (
        Section("To do before the on-sale", _to_do(plan)),
        Section("Limits of a new account, at the worst second", [_limit(limit) for limit in plan.limits]),
        Section("Sized for it", _sizes(plan)),
        Section("What a buyer waits, with the quotas raised", _waits(plan)),
        Section("The bill of the on-sale", _bill(plan.on_sale)),
        Section(f"The bill of a month with {plan.quiet_purchases:,} purchases and no on-sale", _bill(plan.quiet_month)),
        Section("What was assumed", _assumed(plan.load.sale, plan.load.timings)),
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
    """For machines; times are in seconds, null for never."""
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
        return f"Can it be sold?  {plan.tickets_sold:,.0f} of {sale.tickets:,} tickets: more buyers do not come{first}."
    empty = sale.buyers - sale.purchases
    return f"Can it be sold?  Yes, all {sale.tickets:,} tickets{first}; {empty:,.0f} buyers leave without one."


def _how_long(plan: Plan) -> str:
    raised, new = plan.last_ticket(raised=True), plan.last_ticket(raised=False)
    if raised == inf:
        return f"How long until the last ticket is gone?  It never is; buyers come for {plan.load.sale.minutes:g} min."
    min_versions = "at least " if any(not limit.suffices and not limit.raised_by for limit in plan.limits) else ""
    slower = f", {seconds(new)} with the quotas of a new account" if new > raised else ""
    return f"How long until the last ticket is gone?  {min_versions}{seconds(raised)} until it is held{slower}."


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
    by_rule = f"by the rule that deals them; {MAX_POOLS} a ticket type at most"
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
    return [*rows, {"what": "in all", "quantity": "", "unit": "", "cost": dollars(bill.total(lines))}]


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
            "known": f"{min(price.known_on for price in unlisted)}, remembered from AWS's pricing pages and not "
            f"verified since: {', '.join(prices.unlisted)}",
        },
        {"prices": "not in it", "known": _NOT_IN_IT},
    ]


def _finite(number: float) -> float | None:
    return number if isfinite(number) else None
