"""Counts what each step of a purchase costs in DynamoDB, over HTTP, at the client of the API's own container."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx

from benchmarks.buyer import BUYER
from benchmarks.programme import Concert, person, put_on_sale
from benchmarks.usage import Cost, Usage, difference
from chalicelib import composition
from chalicelib.composition import Composition
from chalicelib.settings import Settings
from chalicelib.shop.inventory.pool_sizing import TICKETS_PER_POOL
from local.issuer import Issuer

HISTORY = 200
"""The pool of the concert that has been selling for a while has so many events."""
ONE_POOL, FOUR_POOLS = TICKETS_PER_POOL, 4 * TICKETS_PER_POOL
MAX_PER_ORDER = 40
FILLING = (MAX_PER_ORDER,) * 4
"""It leaves 10 tickets in each of the four pools, in whichever order they are chosen."""


@dataclass(frozen=True)
class Goal:
    """States a goal in words, and as a question to the cost of the log and that of all tables."""

    text: str
    is_met: Callable[[Cost, Cost], bool]


WARM_HOLD = Goal("1 request, 2 items, 0 reads", lambda log, all_: (all_.requests, log.items, all_.reads) == (1, 2, 0))
COLD_HOLD = Goal("at most 4 requests, 2 for the pool", lambda _, all_: all_.requests <= 4)  # noqa: PLR2004
PURCHASE = Goal("at most 10 log items", lambda log, _: log.items <= 10)  # noqa: PLR2004 - the number is the goal
REFUSAL = Goal("at most 2 reads, no write", lambda _, all_: all_.reads <= 2 and all_.requests == all_.reads)  # noqa: PLR2004


@dataclass(frozen=True)
class StepCost:
    step: str
    log: Cost
    other: Cost
    """It is the cost of every other table: person keys, snapshots, cached results."""
    goal: Goal | None = None

    @property
    def is_met(self) -> bool | None:
        return None if self.goal is None else self.goal.is_met(self.log, self.log.plus(self.other))


@dataclass
class Counting:
    """Counts the costs of requests to the API's container, which can be replaced by a new one."""

    base_url: str
    issuer: Issuer
    usage: Usage = field(default_factory=Usage)
    steps: list[StepCost] = field(default_factory=list)

    def new_container(self) -> None:
        made = Composition(Settings.from_environment())
        self.usage.watch(made.dynamodb)
        composition.use(made)

    def step(self, name: str, response: Callable[[], httpx.Response], goal: Goal | None = None) -> dict[str, Any]:
        """Make a request and return the body of any answer."""
        before = self.usage.costs()
        body: dict[str, Any] = response().json()
        costs = difference(self.usage.costs(), before)
        log = costs.pop(Settings.from_environment().events_table, Cost())
        self.steps.append(StepCost(name, log, _sum(list(costs.values())), goal))
        return body

    def person(self, role: str = "customer") -> httpx.Client:
        """A new person: one customer has one open cart."""
        return person(self.base_url, self.issuer.token(role, str(uuid4())))

    def hold(self, concert: Concert, quantity: int) -> httpx.Response:
        """Hold tickets for a new customer."""
        with self.person() as customer:
            return _hold(customer, _cart(customer), concert, quantity)


def measure(base_url: str, issuer: Issuer, on_done: Callable[[], None] = lambda: None) -> list[StepCost]:
    """Measure the steps. The API must be served in this process, with no other buyers, so every count is exact."""
    counting = Counting(base_url, issuer)
    counting.new_container()
    with counting.person("organiser") as organiser:
        small, large = put_on_sale(organiser, ONE_POOL), put_on_sale(organiser, FOUR_POOLS, max_per_order=MAX_PER_ORDER)
        counting.hold(small, 1)
        on_done()
        _purchase(counting, small, 2, "purchase of one line")
        on_done()
        _cold_holds(counting, small)
        on_done()
        _spanning_purchase(counting, large)
        on_done()
        _refusals(counting, large)
        on_done()
    return counting.steps


def _purchase(counting: Counting, concert: Concert, quantity: int, name: str) -> None:
    with counting.person() as customer:
        _purchase_of(counting, customer, concert, quantity, name)


def _purchase_of(counting: Counting, customer: httpx.Client, concert: Concert, quantity: int, name: str) -> None:
    first = len(counting.steps)
    cart_id = counting.step("open a cart", lambda: customer.post("/carts"))["id"]
    counting.step("hold, warm container", lambda: _hold(customer, cart_id, concert, quantity), WARM_HOLD)
    order = counting.step("check out", lambda: customer.post(f"/carts/{cart_id}/checkout", json=BUYER))
    payment = {"provider": "sandbox", "token": "tok_visa"}
    counting.step("pay", lambda: customer.post(f"/orders/{order['order_id']}/payments", json=payment))
    steps = counting.steps[first:]
    log, other = _sum([step.log for step in steps]), _sum([step.other for step in steps])
    counting.steps.append(StepCost(name, log, other, PURCHASE))


def _spanning_purchase(counting: Counting, concert: Concert) -> None:
    """Buy the last tickets. Only the sum is shown: its steps differ by the number of pools alone."""
    for quantity in FILLING:
        counting.hold(concert, quantity).raise_for_status()
    shown = list(counting.steps)
    _purchase(counting, concert, FOUR_POOLS - sum(FILLING), "purchase of one line over four pools")
    counting.steps[:] = [*shown, counting.steps[-1]]


def _cold_holds(counting: Counting, concert: Concert) -> None:
    _cold_hold(counting, concert, "hold, cold container")
    for _ in range(HISTORY // 20):
        with counting.person() as customer:
            cart_id = _cart(customer)
            for _ in range(10):
                item_id = _hold(customer, cart_id, concert, 1).json()["item_id"]
                customer.delete(f"/carts/{cart_id}/items/{item_id}").raise_for_status()
    _cold_hold(counting, concert, f"hold, cold container, pool of {HISTORY}+ events")


def _cold_hold(counting: Counting, concert: Concert, name: str) -> None:
    with counting.person() as customer:
        cart_id = _cart(customer)
        counting.new_container()
        counting.step(name, lambda: _hold(customer, cart_id, concert, 1), COLD_HOLD)


def _refusals(counting: Counting, sold_out: Concert) -> None:
    for kind in ("warm", "fresh"):
        counting.hold(sold_out, 1)
        with counting.person() as customer:
            _refusal(counting, customer, sold_out, kind)


def _refusal(counting: Counting, customer: httpx.Client, sold_out: Concert, kind: str) -> None:
    cart_id = _cart(customer)
    if kind == "fresh":
        counting.new_container()
    name = f"refusal after sell-out, {kind} container"
    counting.step(name, lambda: _hold(customer, cart_id, sold_out, 1), REFUSAL)


def _cart(customer: httpx.Client) -> str:
    cart_id: str = customer.post("/carts").raise_for_status().json()["id"]
    return cart_id


def _hold(customer: httpx.Client, cart_id: str, concert: Concert, quantity: int) -> httpx.Response:
    body = {"ticket_type_id": concert.ticket_type_id, "quantity": quantity}
    return customer.post(f"/carts/{cart_id}/items", json=body)


def _sum(costs: list[Cost]) -> Cost:
    total = Cost()
    for cost in costs:
        total = total.plus(cost)
    return total
