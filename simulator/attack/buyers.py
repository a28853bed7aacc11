"""Simulates buyers who open a cart, hold tickets, check out and pay, and come again only if the shop was too busy."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from chalicelib.platform.caller import Actor
from chalicelib.shop.orders.payments.sandbox import Token
from simulator.attack.api import DONE, PASSING, Command, think
from simulator.attack.dynamodb import Network
from simulator.attack.requests import Requests

CART, HOLD, CHECKOUT, PAYMENT = STEPS = ("cart", "hold", "checkout", "payment")
QUANTITIES = (1, 2, 2, 2, 3, 4)
THINKING = 0.5
BEFORE_AGAIN = 1.0
MOST_TRIES = 60
"""After so many answers that the shop is too busy, a buyer counts as refused."""


@dataclass(slots=True)
class Bought:
    """Records what became of the buyers: the seconds of each step, repeated requests included, and the refusals."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: {step: [] for step in STEPS})
    refused: Counter[str] = field(default_factory=Counter)
    again: Counter[str] = field(default_factory=Counter)
    buyers: int = 0
    tickets: int = 0

    def plus(self, other: "Bought") -> "Bought":
        seconds = {step: [*mine, *other.seconds[step]] for step, mine in self.seconds.items()}
        refused, again = self.refused + other.refused, self.again + other.again
        return Bought(seconds, refused, again, self.buyers + other.buyers, self.tickets + other.tickets)


class _Refused(Exception):
    pass


@dataclass(slots=True)
class Buyer:
    """Buys once; `wants` is the ticket type."""

    requests: Requests
    network: Network
    person: Actor
    wants: UUID
    comes_at: float
    bought: Bought

    def shop(self) -> None:
        self.network.wait_exactly(self.comes_at)
        quantity = self.network.random.choice(QUANTITIES)
        try:
            cart_id = self._ask(CART, self.requests.open_cart)
            self._ask(HOLD, self.requests.add(cart_id, self.wants, quantity))
            think(self.network, THINKING)
            order_id = self._ask(CHECKOUT, self.requests.check_out(cart_id))
            think(self.network, THINKING)
            self._ask(PAYMENT, self.requests.pay(order_id, Token.APPROVED))
        except _Refused:
            return
        self.bought.buyers += 1
        self.bought.tickets += quantity

    def _ask(self, step: str, command: Command) -> Any:
        """Ask under the same key until the shop is not too busy to answer.

        Raises _Refused.
        """
        began = self.network.now
        for _ in range(MOST_TRIES):
            reply = self.requests.api.ask(self.person, step, step, command)
            if reply.code not in PASSING:
                break
            self.bought.again[reply.code] += 1
            self.network.wait_exactly(BEFORE_AGAIN)
        if reply.code != DONE:
            self.bought.refused[reply.code] += 1
            raise _Refused
        self.bought.seconds[step].append(self.network.now - began)
        return reply.answer
