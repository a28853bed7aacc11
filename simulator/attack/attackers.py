"""Simulates an attacker's accounts: each has a plan, and sends its requests without a pause and without shame."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from uuid import UUID

from chalicelib.platform.caller import Actor
from chalicelib.shop.orders.payments.sandbox import Token
from simulator.attack.api import DONE, Command
from simulator.attack.dynamodb import Network
from simulator.attack.requests import Requests

Plan = Mapping[str, int]
"""How often each route is asked, as weights."""

PLANS: Mapping[str, Plan] = {
    "churn": {"add": 6, "remove": 6, "extend": 1},
    "hoard": {"add": 8, "extend": 4, "check_out": 1, "open_cart": 1},
    "start over": {"add": 8, "remove": 6, "check_out": 2, "cancel": 2, "open_cart": 1},
    "try cards": {"add": 2, "check_out": 2, "pay": 8, "open_cart": 1},
    "everything": dict.fromkeys(
        ("add", "remove", "extend", "check_out", "cancel", "pay", "open_cart", "look", "others_cart", "others_order"), 1
    ),
}
QUANTITIES = (1, 10, 10)
FULL = frozenset({"held_limit_exceeded", "order_limit_exceeded", "cart_full"})
"""After these answers the attacker tries another cart."""


@dataclass(slots=True)
class Account:
    """One account of the attacker, whose windows share what any of them has got."""

    requests: Requests
    network: Network
    person: Actor
    wants: UUID
    plan: Plan
    answers: Counter[str]
    is_on: Callable[[], bool]
    cart_id: UUID | None = None
    is_full: bool = False
    items: list[UUID] = field(default_factory=list)
    orders: list[UUID] = field(default_factory=list)
    _keys: Any = field(default_factory=count)

    def attack(self) -> None:
        """Send one request after the other as long as there are buyers."""
        names, weights = list(self.plan), list(self.plan.values())
        while self.is_on():
            [name] = self.network.random.choices(names, weights)
            send: Callable[[], None] = getattr(self, name)
            send()

    def open_cart(self) -> None:
        self.is_full = False
        cart_id = self._ask("open_cart", self.requests.open_cart)
        if cart_id is not None:
            self.cart_id = cart_id

    def add(self) -> None:
        if self.cart_id is None or self.is_full:
            return self.open_cart()
        quantity = self.network.random.choice(QUANTITIES)
        item_id = self._ask("add", self.requests.add(self.cart_id, self.wants, quantity))
        self.items += [item_id] if item_id is not None else []
        return None

    def remove(self) -> None:
        if self.cart_id is None or not self.items:
            return self.add()
        item_id = self.items.pop(self.network.random.randrange(len(self.items)))
        self._ask("remove", self.requests.remove(self.cart_id, item_id))
        return None

    def extend(self) -> None:
        if self.cart_id is None:
            return self.add()
        self._ask("extend", self.requests.extend(self.cart_id))
        return None

    def check_out(self) -> None:
        if self.cart_id is None or not self.items:
            return self.add()
        order_id = self._ask("check_out", self.requests.check_out(self.cart_id))
        if order_id is not None:
            self.orders.append(order_id)
            self.cart_id, self.items = None, []
        return None

    def cancel(self) -> None:
        if not self.orders:
            return self.check_out()
        self._ask("cancel", self.requests.cancel(self.orders.pop()))
        return None

    def pay(self) -> None:
        if not self.orders:
            return self.check_out()
        order_id = self.network.random.choice(self.orders)
        self._ask("pay", self.requests.pay(order_id, Token.DECLINED))
        return None

    def look(self) -> None:
        self._ask("look", self.requests.api.look)

    def others_cart(self) -> None:
        self._ask("others_cart", self.requests.add(self._some_id(), self.wants, 1))

    def others_order(self) -> None:
        self._ask("others_order", self.requests.cancel(self._some_id()))

    def _ask(self, what: str, command: Command) -> Any:
        reply = self.requests.api.ask(self.person, what, f"{what} {next(self._keys)}", command)
        self.answers[reply.code] += 1
        if reply.code in FULL:
            self.is_full = True
        return reply.answer if reply.code == DONE else None

    def _some_id(self) -> UUID:
        return UUID(int=self.network.random.getrandbits(128), version=4)
