"""A shop whose log is in memory, and the organiser's view of it in Postgres."""

import json
from base64 import b64decode
from collections.abc import Mapping
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from chalicelib.composition import Composition
from chalicelib.platform.bus.batch import succeeded
from chalicelib.platform.bus.consumer import Consumer
from chalicelib.platform.bus.message import to_bus
from chalicelib.platform.bus.parking import MemoryParking
from chalicelib.platform.bus.port import BusRecord
from chalicelib.platform.caller import Actor
from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore
from chalicelib.platform.readmodels.postgres.projection import PostgresProjection
from chalicelib.settings import Settings
from chalicelib.shop.carts import commands as carts
from local.keys import LOCAL_ID_KEY, LOCAL_TICKET_KEY
from tests.support.request_scenario import ask
from tests.support.shop import ORGANISER, PAY_WITHIN, Shop


class Container(Composition):
    """A container whose queries read these sales."""

    def __init__(self, shop: Shop, model: PostgresProjection) -> None:
        super().__init__(Settings(id_key=LOCAL_ID_KEY, ticket_key=LOCAL_TICKET_KEY), shop.clock)
        made: Any = self
        made.event_store, made.repository, made.vault = shop.store, shop.repository, shop.vault
        made._queried_models = {"sales": model}  # noqa: SLF001 - its pool has no limits of queries


class Read(NamedTuple):
    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def body(self) -> Any:
        return json.loads(self.text)

    @property
    def items(self) -> list[Any]:
        assert self.status == 200, self.text
        found: list[Any] = self.body["items"]
        return found


class Office:
    """Sells tickets, and shows organisers what was sold."""

    def __init__(self, model: PostgresProjection) -> None:
        self.model = model
        self.log = MemoryEventStore()
        self.shop = Shop(self.log, salt=str(uuid4()))
        self.parking = MemoryParking()
        self._consumer = Consumer(model, self.log, self.parking, self.shop.clock)
        self._delivered: dict[UUID, int] = {}

    def settle(self) -> None:
        """Let the sales follow everything that has happened."""
        news = [event for key in self.log.stream_ids() for event in self.log.read(key, self._delivered.get(key, -1))]
        records = [BusRecord(str(place), to_bus(event)) for place, event in enumerate(news)]
        assert self._consumer.consume(records) == succeeded()
        assert self.parking.list_parked() == []
        self._delivered |= {event.aggregate_id: event.aggregate_version for event in news}

    def forget(self) -> None:
        """Have all that has happened delivered again."""
        self._delivered.clear()

    def order(self, actor: Actor, *tickets: tuple[UUID, int], name: str = "Carla Jones") -> UUID:
        """Order so many tickets of each type, and do not pay."""
        shop, cart_id = self.shop, self.shop.cart(actor)
        for ticket_type_id, quantity in tickets:
            shop.add(cart_id, ticket_type_id, quantity, shop.request(actor))
        buyer = {"name": name, "email": f"{name.split(maxsplit=1)[0].casefold()}@example.org"}
        placed = carts.check_out(
            shop.repository, shop.vault, shop.request(actor), cart_id, buyer, PAY_WITHIN, shop.limits
        )
        return placed.order_id

    def buy(self, actor: Actor, *tickets: tuple[UUID, int], name: str = "Carla Jones") -> UUID:
        order_id = self.order(actor, *tickets, name=name)
        self.shop.pay(order_id, caller=self.shop.request(actor))
        return order_id

    def let_in(self, concert_id: UUID, order_id: UUID, place: int = 0) -> UUID:
        """Check a ticket of the order in, and return it."""
        ticket_id = self.shop.order_state(order_id).tickets[place].id
        self.shop.let_in(concert_id, self.shop.code(order_id, place))
        return ticket_id

    def get(self, path: str, actor: Actor = ORGANISER, **headers: str) -> Read:
        """Send a request to a new container."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = ask(Container(self.shop, self.model), actor, "GET", path, b"", sent)
        headers = {str(name).lower(): str(value) for name, value in answer["headers"].items()}
        body: str = answer["body"]
        if answer.get("isBase64Encoded"):
            body = b64decode(body).decode("latin-1")
        return Read(int(answer["statusCode"]), headers, body)
