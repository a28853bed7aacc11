"""The shop as its users see it: an HTTP API, and a pipeline that catches up."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any, Protocol
from uuid import uuid4

import httpx
import jwt

from chalicelib import composition
from chalicelib.composition import Composition
from chalicelib.platform.caller import person_id
from chalicelib.settings import Settings
from local.issuer import Issuer
from local.pump import Pump, mappings_of
from local.server import running_server
from local.stack import Stack
from tests.support.asked import Guard
from tests.support.described import ensure_described

Json = dict[str, Any]

SETTLES_WITHIN = 120.0
PATIENCE = 120.0
"""What a client waits for an answer, in seconds: a race on a busy machine takes its time."""

LOOK_EVERY = 0.1


class Token(Protocol):
    """A bearer token of this role, for a person of this name; only an issuer of our own takes other `claims`."""

    def __call__(self, role: str, sub: str, **claims: Any) -> str: ...


class Pipeline(Protocol):
    """What brings the events of the log into the read models."""

    def notice(self, answer: httpx.Response) -> None:
        """Called with everything that the shop answers."""

    def settle(self) -> None:
        """When this returns, every read shows what the commands of the past have changed."""


class OurPipeline:
    def __init__(self, pump: Pump) -> None:
        self._pump = pump

    def notice(self, answer: httpx.Response) -> None:
        """The pump knows the log itself."""

    def settle(self) -> None:
        self._pump.drain(SETTLES_WITHIN)


@dataclass(frozen=True)
class Ours:
    """What lies behind the API, where it is ours to reach into."""

    issuer: Issuer
    pump: Pump
    stack: Stack


class NotOurs(RuntimeError):
    def __init__(self) -> None:
        super().__init__("This journey reaches behind the API: mark it with pytest.mark.needs_the_stack.")


@dataclass(frozen=True)
class Shop:
    base_url: str
    token: Token
    pipeline: Pipeline
    ours: Ours | None = None

    def settle(self, until: Callable[[], bool] = lambda: True) -> None:
        """Everything that was done is in every read model when this returns.

        `until` is an outcome of what processes do on their own: no answer has announced a version to wait for.
        """
        self.pipeline.settle()
        if self.ours is None:
            wait_until(until)

    @property
    def issuer(self) -> Issuer:
        return self._behind.issuer

    @property
    def pump(self) -> Pump:
        return self._behind.pump

    @property
    def stack(self) -> Stack:
        return self._behind.stack

    def visitor(self) -> httpx.Client:
        return self._client({})

    def as_role(self, role: str, sub: str | None = None, **claims: Any) -> httpx.Client:
        """A person with a token of this role; a new person unless `sub` names one."""
        token = self.token(role, sub or str(uuid4()), **claims)
        return self._client({"Authorization": f"Bearer {token}"})

    def customer(self, sub: str | None = None) -> httpx.Client:
        return self.as_role("customer", sub)

    def organiser(self, sub: str | None = None) -> httpx.Client:
        return self.as_role("organiser", sub)

    @property
    def _behind(self) -> Ours:
        if self.ours is None:
            raise NotOurs
        return self.ours

    def _client(self, headers: dict[str, str]) -> httpx.Client:
        hooks = {"response": [self.pipeline.notice, ensure_as_described]}
        return httpx.Client(base_url=self.base_url, headers=headers, timeout=PATIENCE, event_hooks=hooks)


def ensure_as_described(answer: httpx.Response) -> None:
    """Hold whatever the shop answers to its document, so that every journey is a test of that."""
    request, content = answer.request, answer.read()
    # What was sent in chunks is gone.
    sent = b"" if "transfer-encoding" in request.headers else request.content
    ensure_described(request.method, request.url.path, answer.status_code, answer.headers, content, sent)


def wait_until(holds: Callable[[], bool]) -> None:
    """Returns in any case in the end: what was waited for, the test asserts."""
    deadline = time.monotonic() + SETTLES_WITHIN
    while not holds() and time.monotonic() < deadline:
        time.sleep(LOOK_EVERY)


@contextmanager
def open_shop(stack: Stack) -> Iterator[Shop]:
    """Serve the API and connect the pump; the environment must name the stack. IAM's policies are obeyed."""
    from app import app  # noqa: PLC0415 - reads the environment as it is imported

    composition.use(None)
    with ExitStack() as exits:
        guard = Guard(stack.environment)
        exits.enter_context(guard.installed())
        base_url = exits.enter_context(running_server(app))
        pump = Pump.connect([guard.around(source) for source in mappings_of(app)], stack.environment)
        yield Shop(base_url, stack.issuer.token, OurPipeline(pump), Ours(stack.issuer, pump, stack))


@contextmanager
def clock_of_the_shop(clock: Callable[[], datetime]) -> Iterator[None]:
    """Another clock for every Lambda; tokens are judged by the real one."""
    composition.use(Composition(Settings.from_environment(), clock))
    try:
        yield
    finally:
        composition.use(None)


def race(contestants: list[Callable[[], httpx.Response]]) -> list[httpx.Response]:
    """All at once, as nearly as threads can."""
    start = Barrier(len(contestants))

    def run(contestant: Callable[[], httpx.Response]) -> httpx.Response:
        start.wait()
        return contestant()

    with ThreadPoolExecutor(len(contestants)) as threads:
        return list(threads.map(run, contestants))


VENUE: Json = {
    "name": "Harpa",
    "description": "Concert hall on the harbour",
    "capacity": 1600,
    "address": "Austurbakki 2",
    "city": "Reykjavík",
    "country": "Iceland",
    "time_zone": "Atlantic/Reykjavik",
    "web_url": "https://harpa.example",
}
TICKETS: Json = {"name": "Floor", "price": {"amount": "25.00", "currency": "EUR"}, "quantity": 20}
ANY_VERSION = {"If-Match": "*"}
"""What an edit says that is meant for whatever is there."""
BUYER: Json = {"buyer": {"name": "Guðrún Helgadóttir", "email": "gudrun@example.org"}}


def person_of(client: httpx.Client) -> str:
    """The id under which the shop knows whoever has this client's token."""
    token = client.headers["Authorization"].split()[1]
    return str(person_id(jwt.decode(token, options={"verify_signature": False})["sub"]))


def made(response: httpx.Response) -> Json:
    """The body of a response that must be a success."""
    assert response.is_success, response.text
    body: Json = response.json() if response.content else {}
    return body


def refused(response: httpx.Response, status: int, code: str) -> Json:
    """The problem document of a response that must be this refusal."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json", response.headers
    body: Json = response.json()
    assert body["code"] == code, body
    assert body["status"] == status
    return body


def schedule_in(days: float) -> Json:
    starts_at = datetime.now(UTC).replace(microsecond=0) + timedelta(days=days)
    return {"starts_at": starts_at.isoformat(), "ends_at": (starts_at + timedelta(hours=3)).isoformat()}


@dataclass(frozen=True)
class Published:
    """A concert on sale, with one ticket type unless more were asked for."""

    concert_id: str
    venue_id: str
    ticket_type_ids: list[str]

    @property
    def ticket_type_id(self) -> str:
        return self.ticket_type_ids[0]


def publish_concert(
    organiser: httpx.Client,
    *ticket_types: Json,
    name: str = "Björk",
    venue: Json | None = None,
    in_days: float = 30,
    max_per_customer: int | None = None,
) -> Published:
    venue_id = made(organiser.post("/venues", json=VENUE | (venue or {})))["id"]
    details = {"name": name, "venue_id": venue_id, "max_per_customer": max_per_customer}
    concert_id = made(organiser.post("/concerts", json=details))["id"]
    made(organiser.post(f"/concerts/{concert_id}/schedule", json=schedule_in(in_days)))
    path = f"/concerts/{concert_id}/ticket-types"
    ids = [made(organiser.post(path, json=TICKETS | kind))["id"] for kind in ticket_types or ({},)]
    made(organiser.post(f"/concerts/{concert_id}/publish"))
    return Published(concert_id, venue_id, ids)


def cart_with(customer: httpx.Client, ticket_type_id: str, quantity: int) -> str:
    cart_id: str = made(customer.post("/carts"))["id"]
    body = {"ticket_type_id": ticket_type_id, "quantity": quantity}
    made(customer.post(f"/carts/{cart_id}/items", json=body))
    return cart_id


def order_of(customer: httpx.Client, ticket_type_id: str, quantity: int) -> str:
    cart_id = cart_with(customer, ticket_type_id, quantity)
    order_id: str = made(customer.post(f"/carts/{cart_id}/checkout", json=BUYER))["order_id"]
    return order_id


def pay(customer: httpx.Client, order_id: str, token: str = "tok_visa") -> httpx.Response:
    return customer.post(f"/orders/{order_id}/payments", json={"provider": "sandbox", "token": token})


def shown(code: str, gate: str = "North", **more: str) -> Json:
    """What a device tells of a code."""
    return {"code": code, "nonce": str(uuid4()), "gate": gate, **more}
