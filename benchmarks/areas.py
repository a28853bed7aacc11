"""Counts what a hold costs in DynamoDB with and without areas (`python -m benchmarks.areas`)."""

import os
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx

from benchmarks.buyer import BUYER
from benchmarks.holds import HOLD_FOR, ORIGIN
from benchmarks.machine import describe_machine
from benchmarks.own_stack import own_stack
from benchmarks.programme import Concert, draft, post, publish
from benchmarks.report import Record, Section
from benchmarks.report import publish as show
from benchmarks.steps import REFUSAL, WARM_HOLD, Counting, StepCost
from chalicelib import composition
from chalicelib.platform.eventsourcing.session import Session
from chalicelib.shop.inventory.allocation import stock_of
from chalicelib.shop.inventory.pool_sizing import TICKETS_PER_POOL
from chalicelib.shop.inventory.ticket_pool import TICKET_POOL

CAPACITY = 2 * TICKETS_PER_POOL
CEILING = 8
PRICE = {"amount": "25.00", "currency": "EUR"}


@dataclass(frozen=True)
class House:
    """A concert on sale: the type that is bought, and another of the same stock, if there is one."""

    name: str
    bought: Concert
    other: Concert | None = None


def measure(counting: Counting) -> list[StepCost]:
    """Measure each house. The API must be served in this process, with no other buyers, so every count is exact."""
    counting.new_container()
    with counting.person("organiser") as organiser:
        for house in (
            _house(organiser, "no area"),
            _house(organiser, "area, 2 types", types=2),
            _house(organiser, "area, 10 types", types=10),
            _house(organiser, "area, ceiling", types=2, ceiling=CEILING),
        ):
            _measure_house(counting, house)
        _measure_moving_quota(
            counting, _house(organiser, "area: hold whose quota is in another pool", types=2, ceiling=CEILING)
        )
    return counting.steps


def _house(organiser: httpx.Client, name: str, types: int = 0, ceiling: int | None = None) -> House:
    concert_id = draft(organiser)
    path = f"/concerts/{concert_id}"
    if not types:
        kinds: list[dict[str, Any]] = [{"quantity": CAPACITY}]
    else:
        area = post(organiser, f"{path}/areas", {"name": "Floor", "capacity": CAPACITY})["id"]
        kinds = [{"area_id": area, "ceiling": ceiling}, *[{"area_id": area}] * (types - 1)]
    asked = [{"name": f"Type {n}", "price": PRICE, "max_per_order": 40, **kind} for n, kind in enumerate(kinds)]
    keys = [post(organiser, f"{path}/ticket-types", one)["id"] for one in asked]
    publish(organiser, concert_id)
    concerts = [Concert(concert_id, key) for key in keys]
    return House(name, concerts[0], concerts[-1] if types else None)


def _measure_house(counting: Counting, house: House) -> None:
    _step(counting, f"{house.name}: hold, cold container", house.bought, 1, cold=True)
    _step(counting, f"{house.name}: hold, warm container", house.bought, 2)
    with counting.person() as customer:
        cart_id = _cart(customer)
        counting.step("", lambda: _hold(customer, cart_id, house.bought, 1))
        counting.steps.pop()
        checkout = counting.step(f"{house.name}: check out", lambda: _check_out(customer, cart_id))
        payment = {"provider": "sandbox", "token": "tok_visa"}
        path = f"/orders/{checkout['order_id']}/payments"
        counting.step(f"{house.name}: pay", lambda: customer.post(path, json=payment))
    _sell_out(counting, house)
    _step(counting, f"{house.name}: refusal, warm container", house.bought, 1)
    _step(counting, f"{house.name}: refusal, fresh container", house.bought, 1, cold=True)


def _measure_moving_quota(counting: Counting, house: House) -> None:
    """Others have taken every ticket of the pool that has the quota, and all pools are read to find the rest."""
    repository = composition.current().repository
    ticket_type_id = UUID(house.bought.ticket_type_id)
    for key in repository.execute(lambda session: stock_of(session, ticket_type_id).first_pools, ORIGIN):

        def take_all(session: Session, key: UUID = key) -> None:
            pool, until = session.load(TICKET_POOL, key), session.now + HOLD_FOR
            other = UUID(house.other.ticket_type_id) if house.other else None
            session.append(TICKET_POOL, key, *pool.hold(key, key, pool.free, session.now, until, other))

        repository.execute(take_all, ORIGIN)
    counting.hold(house.bought, 1).raise_for_status()
    _step(counting, house.name, house.bought, CEILING - 1)


def _sell_out(counting: Counting, house: House) -> None:
    """Take all that is left of the type, and let this container learn it."""
    for quantity in (40, 8, 1):
        while counting.hold(house.bought, quantity).is_success:
            pass


def _step(counting: Counting, name: str, concert: Concert, quantity: int, *, cold: bool = False) -> None:
    with counting.person() as customer:
        cart_id = _cart(customer)
        if cold:
            counting.new_container()
        goals = {"hold, warm": WARM_HOLD, "refusal, warm": REFUSAL}
        goal = next((goal for text, goal in goals.items() if text in name), None)
        counting.step(name, lambda: _hold(customer, cart_id, concert, quantity), goal)


def _cart(customer: httpx.Client) -> str:
    cart_id: str = customer.post("/carts").raise_for_status().json()["id"]
    return cart_id


def _hold(customer: httpx.Client, cart_id: str, concert: Concert, quantity: int) -> httpx.Response:
    body = {"ticket_type_id": concert.ticket_type_id, "quantity": quantity}
    return customer.post(f"/carts/{cart_id}/items", json=body)


def _check_out(customer: httpx.Client, cart_id: str) -> httpx.Response:
    return customer.post(f"/carts/{cart_id}/checkout", json=BUYER)


def _row(cost: StepCost) -> Record:
    return {
        "step": cost.step,
        "requests": cost.log.requests,
        "reads": cost.log.reads,
        "items": cost.log.items,
        "write_units": cost.log.write_units,
        "other_requests": cost.other.requests,
        "met": cost.is_met,
    }


def main() -> None:
    with own_stack() as stack:
        os.environ.update(stack.environment)
        from app import app  # noqa: PLC0415 - reads the environment as it is imported
        from local.server import running_server  # noqa: PLC0415

        with running_server(app) as base_url:
            costs = measure(Counting(base_url, stack.issuer))
    section = Section(
        "holds_with_and_without_areas", "DynamoDB; other: all tables except the log", list(map(_row, costs))
    )
    show(describe_machine(), [section], as_json=False)


if __name__ == "__main__":
    main()
