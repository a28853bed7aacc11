"""Counts what `ops plan` multiplies: requests, units, events and bytes of each step of a visit, and of its
consequences.

`python -m benchmarks.plan_counts` measures them on a stack of its own and writes `ops/plan/measured.json`. They are
counts, the same on every machine: a test measures them again.
"""

import argparse
import json
import os
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

from benchmarks.buyer import BUYER
from benchmarks.own_stack import own_stack
from benchmarks.programme import person, put_on_sale
from benchmarks.usage import Cost, Usage, difference, item_bytes
from chalicelib import composition
from chalicelib.composition import Composition
from chalicelib.settings import Settings
from chalicelib.shop.inventory.pool_sizing import TICKETS_PER_POOL
from local.issuer import Issuer
from local.pump import Pump
from ops.plan.measured import FILE, Measured, Spent, Step

KILOBYTE = 1024


@dataclass
class Watch:
    """Counts all that the stage's container sends, whichever Lambda runs in it; it can be replaced by a new one."""

    usage: Usage = field(default_factory=Usage)
    units: Counter[str] = field(default_factory=Counter)
    """They are the write units in the log, by aggregate type."""
    records: list[int] = field(default_factory=list)
    """They are the bytes of each record that was put on the bus."""

    def new_container(self) -> None:
        made = Composition(Settings.from_environment())
        self.usage.watch(made.dynamodb)
        made.dynamodb.meta.events.register("before-parameter-build.dynamodb", self._note_writes)
        bus: Any = made.event_bus
        bus.client.meta.events.register("before-parameter-build.kinesis.PutRecords", self._note_records)
        composition.use(made)

    def _note_writes(self, params: dict[str, Any], **_: Any) -> None:
        table = Settings.from_environment().events_table
        entries = [entry["Put"] for entry in params.get("TransactItems", []) if "Put" in entry] or [params]
        for put in entries:
            if put.get("TableName") == table and "Item" in put:
                size = -(-item_bytes(put["Item"]) // KILOBYTE)
                kind = put["Item"]["AggregateType"]["S"]
                self.units[kind] += size * (2 if "TransactItems" in params else 1)

    def _note_records(self, params: dict[str, Any], **_: Any) -> None:
        self.records += [len(record["Data"]) + len(record["PartitionKey"]) for record in params["Records"]]


@dataclass
class Visit:
    """Makes visits step by step, and follows each step until every read model has it."""

    base_url: str
    issuer: Issuer
    pump: Pump
    watch: Watch = field(default_factory=Watch)
    steps: dict[str, Step] = field(default_factory=dict)

    def step(self, name: str, ask: Callable[[], httpx.Response]) -> dict[str, Any]:
        """Make a step in a new container, and return the body of any answer.

        At an on-sale there are so many containers that each request of a buyer meets another one.
        """
        watch = self.watch
        watch.new_container()
        before = watch.usage.costs()
        watch.units.clear()
        answer = ask()
        body: dict[str, Any] = answer.json()
        answered = watch.usage.costs()
        watch.records.clear()
        units = dict(sorted(watch.units.items()))
        self.pump.drain()
        self.steps[name] = Step(
            api=_spent(difference(answered, before)),
            followers=_spent(difference(watch.usage.costs(), answered)),
            log_units=units,
            records=len(watch.records),
            record_bytes=sum(watch.records),
            answer_kilobytes=-(-len(answer.content) // KILOBYTE),
            record_kilobytes=sum(-(-size // KILOBYTE) for size in watch.records),
        )
        return body


def measure(base_url: str, issuer: Issuer, pump: Pump) -> Measured:
    """Count each step. The API must be served in this process, and nobody else may buy."""
    visit = Visit(base_url, issuer, pump)
    visit.watch.new_container()
    with person(base_url, issuer.token("organiser")) as organiser, person(base_url, issuer.token("customer")) as buyer:
        concert = put_on_sale(organiser, TICKETS_PER_POOL)
        pump.drain()

        def cart(customer: httpx.Client) -> str:
            cart_id: str = customer.post("/carts").raise_for_status().json()["id"]
            return cart_id

        def hold(customer: httpx.Client, cart_id: str, quantity: int = 2) -> httpx.Response:
            body = {"ticket_type_id": concert.ticket_type_id, "quantity": quantity}
            return customer.post(f"/carts/{cart_id}/items", json=body)

        def others_hold(quantity: int = 2) -> httpx.Response:
            with person(base_url, issuer.token("customer", str(uuid4()))) as other:
                return hold(other, cart(other), quantity)

        others_hold().raise_for_status()
        pump.drain()
        visit.step("concert page", lambda: buyer.get(f"/concerts/{concert.concert_id}"))
        visit.step("availability", lambda: buyer.get(f"/concerts/{concert.concert_id}/availability"))
        cart_id = visit.step("cart", lambda: buyer.post("/carts"))["id"]
        visit.step("hold", lambda: hold(buyer, cart_id))
        order_id = visit.step("checkout", lambda: buyer.post(f"/carts/{cart_id}/checkout", json=BUYER))["order_id"]
        payment = {"provider": "sandbox", "token": "tok_visa"}
        visit.step("payment", lambda: buyer.post(f"/orders/{order_id}/payments", json=payment))
        visit.step("order page", lambda: buyer.get(f"/orders/{order_id}"))
        for quantity in (10, 10, 10, 10, 6):
            others_hold(quantity).raise_for_status()
        others_hold()
        pump.drain()
        with person(base_url, issuer.token("customer", str(uuid4()))) as late:
            cart_id = cart(late)
            pump.drain()
            visit.step("refusal", lambda: hold(late, cart_id))
    return Measured(visit.steps)


def _spent(costs: dict[str, Cost]) -> Spent:
    total = Cost()
    for cost in costs.values():
        total = total.plus(cost)
    return Spent(total.requests, total.reads, total.read_units, total.write_units)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.plan_counts", description=__doc__)
    parser.add_argument("--save", type=Path, default=FILE, metavar="FILE", help="where to; what the plan reads")
    options = parser.parse_args()
    with own_stack() as stack:
        os.environ.update(stack.environment)
        from app import app  # noqa: PLC0415 - reads the environment as it is imported
        from local.pump import mappings_of  # noqa: PLC0415
        from local.server import running_server  # noqa: PLC0415

        with running_server(app) as base_url:
            counted = measure(base_url, stack.issuer, Pump.connect(mappings_of(app), stack.environment))
    options.save.write_text(json.dumps(asdict(counted), indent=2) + "\n")


if __name__ == "__main__":
    main()
