"""Simulates one buyer: what they want, how long they think, when they lose patience, and where they leave."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from random import Random
from typing import Any
from uuid import UUID

import httpx

from benchmarks.answers import GAVE_UP, Answer

BUYER = {"buyer": {"name": "Guðrún Helgadóttir", "email": "gudrun@example.org"}}
PATIENT = httpx.Timeout(30)
MAX_TRIES = 20
MAX_REQUESTS_FOR_LESS = 5


@dataclass(frozen=True)
class Habits:
    """Holds shares of all buyers, and for `impatience` of all requests. `quantities` are equally likely."""

    quantities: tuple[int, ...] = (1, 1, 2, 2, 3, 4)
    think_seconds: float = 0.02
    impatience: float = 0.1
    longest_impatient_wait: float = 0.05
    leaves_cart: float = 0.05
    gives_back: float = 0.1
    leaves_order: float = 0.05
    declined: float = 0.1


LAST_IN_THE_QUEUE = Habits((1,), 0, 0, 0, 0, 0, 0, 0)
"""This buyer takes one ticket at a time, and accepts what is left."""


class Outcome(StrEnum):
    BOUGHT = "bought"
    LEFT_CART = "left the cart"
    GAVE_BACK = "gave back"
    LEFT_ORDER = "left the order"
    SOLD_OUT = "found nothing left"
    TURNED_AWAY = "was turned away"


class TurnedAway(Exception):
    """The shop gave an answer with which this buyer cannot continue."""


@dataclass(frozen=True)
class Till:
    """Sends a buyer's requests to the shop, and repeats one with its key if the answer is missing or busy."""

    client: httpx.Client
    token: str
    habits: Habits
    random: Random
    record: Callable[[Answer], None]

    def ask(self, step: str, method: str, path: str, body: dict[str, Any] | None = None) -> httpx.Response:
        """Send a request, and repeat it until it is answered.

        Raises:
            TurnedAway: there never was an answer.
        """
        key = str(UUID(int=self.random.getrandbits(128)))
        headers = {"Authorization": f"Bearer {self.token}", "Idempotency-Key": key}
        timeout = self._first_timeout()
        for _ in range(MAX_TRIES):
            request = self.client.build_request(method, path, json=body, headers=headers, timeout=timeout)
            response = self._send(step, request)
            if response is not None and response.status_code != HTTPStatus.SERVICE_UNAVAILABLE:
                return response
            if response is not None:
                time.sleep(float(response.headers.get("Retry-After", 1)) * self.random.uniform(0.5, 1))
            timeout = PATIENT
        raise TurnedAway(step)

    def think(self) -> None:
        if self.habits.think_seconds:
            time.sleep(self.random.expovariate(1 / self.habits.think_seconds))

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def _first_timeout(self) -> httpx.Timeout:
        if not self.chance(self.habits.impatience):
            return PATIENT
        return httpx.Timeout(30, read=self.random.uniform(0.001, self.habits.longest_impatient_wait))

    def _send(self, step: str, request: httpx.Request) -> httpx.Response | None:
        began = time.perf_counter()
        try:
            response = self.client.send(request)
        except httpx.TransportError as lost:
            self.record(Answer(step, GAVE_UP, type(lost).__name__, time.perf_counter() - began))
            return None
        seconds = time.perf_counter() - began
        code = "" if response.is_success else problem_of(response).get("code", "no problem document")
        self.record(Answer(step, response.status_code, code, seconds, "Retry-After" in response.headers))
        return response


def shop_for(ticket_type_id: str, till: Till) -> Outcome:
    """Make one visit, from the first click to the tickets, or until this buyer leaves."""
    try:
        return _visit(ticket_type_id, till)
    except TurnedAway:
        return Outcome.TURNED_AWAY


def _visit(ticket_type_id: str, till: Till) -> Outcome:
    habits, cart = till.habits, _made(till.ask("cart", "POST", "/carts"))["id"]
    till.think()
    item = _take(ticket_type_id, cart, till)
    if item is None:
        return Outcome.SOLD_OUT
    till.think()
    if till.chance(habits.gives_back):
        till.ask("give back", "DELETE", f"/carts/{cart}/items/{item}")
        return Outcome.GAVE_BACK
    if till.chance(habits.leaves_cart):
        return Outcome.LEFT_CART
    order = _made(till.ask("checkout", "POST", f"/carts/{cart}/checkout", BUYER))["order_id"]
    till.think()
    if till.chance(habits.leaves_order):
        return Outcome.LEFT_ORDER
    if till.chance(habits.declined):
        _pay(order, "tok_declined", till)
    _made(_pay(order, "tok_visa", till))
    return Outcome.BOUGHT


def _take(ticket_type_id: str, cart: str, till: Till) -> str | None:
    """Hold the wanted tickets, or as many as are left. Return None if there are none, or they were always gone."""
    quantity = till.random.choice(till.habits.quantities)
    for _ in range(MAX_REQUESTS_FOR_LESS):
        body = {"ticket_type_id": ticket_type_id, "quantity": quantity}
        response = till.ask("hold", "POST", f"/carts/{cart}/items", body)
        if response.is_success:
            item: str = response.json()["item_id"]
            return item
        problem = problem_of(response)
        if problem.get("code") != "sold_out":
            raise TurnedAway(problem)
        if not problem["available"]:
            return None
        quantity = min(quantity, problem["available"])
    return None


def _pay(order: str, token: str, till: Till) -> httpx.Response:
    body = {"provider": "sandbox", "token": token}
    return till.ask("pay", "POST", f"/orders/{order}/payments", body)


def _made(response: httpx.Response) -> dict[str, Any]:
    if not response.is_success:
        raise TurnedAway(response.text)
    body: dict[str, Any] = response.json()
    return body


def problem_of(response: httpx.Response) -> dict[str, Any]:
    if not response.headers.get("content-type", "").startswith("application/problem+json"):
        return {}
    problem: dict[str, Any] = response.json()
    return problem
