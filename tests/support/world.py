"""A log in memory, one read model that follows it on its real server, and people who make things happen."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from random import Random
from uuid import UUID, uuid4

from chalicelib.platform.bus.batch import succeeded
from chalicelib.platform.bus.consumer import Consumer
from chalicelib.platform.bus.message import to_bus
from chalicelib.platform.bus.parking import MemoryParking
from chalicelib.platform.bus.port import BusRecord
from chalicelib.platform.eventsourcing.stored import StoredEvent
from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore
from chalicelib.platform.readmodels.folding import folded_streams
from chalicelib.platform.readmodels.port import ReadModel
from chalicelib.platform.readmodels.rebuild import Progress, Rebuilder, Rebuilt
from chalicelib.platform.readmodels.verification import Findings, Verifier
from chalicelib.shop.concerts import commands as concerts
from tests.support.shop import ORGANISER, Shop
from tests.support.stored import SOME_TIME


class World:
    """A log in memory, a read model that follows it, and people who make things happen."""

    def __init__(self, model: ReadModel) -> None:
        self.model = model
        self.log = MemoryEventStore()
        self.shop = Shop(self.log, salt=str(uuid4()))
        self.parking = MemoryParking()
        self.consumer = Consumer(model, self.log, self.parking, lambda: SOME_TIME)
        self.delivered: dict[UUID, int] = {}
        self.random = Random(4)
        self.concert_id, self.ticket_type_id = self.shop.on_sale(quantity=50)

    def live_through(self, customers: int = 4) -> None:
        """Things happen to venues, concerts, pools, carts and orders."""
        for number in range(customers):
            cart_id = self.shop.cart()
            item = self.shop.add(cart_id, self.ticket_type_id, quantity=1 + number % 2)
            if number % 4 == 1:
                self.shop.remove(cart_id, item.item_id)
            if number % 4 > 1:
                order = self.shop.check_out(cart_id)
                if number % 4 == 3:
                    self.shop.pay(order.order_id)
        self.shop.clock.advance(timedelta(minutes=3))
        self.shop.draft(name=f"Björk {self.random.random()}")

    def cancel_a_concert(self) -> None:
        concert_id, _ = self.shop.on_sale()
        concerts.cancel_concert(self.shop.repository, self.shop.request(ORGANISER), concert_id)

    def news(self) -> list[StoredEvent]:
        """What nobody has delivered yet, shuffled."""
        news = [event for key in self.log.stream_ids() for event in self.log.read(key, self.delivered.get(key, -1))]
        for event in news:
            self.delivered[event.aggregate_id] = event.aggregate_version
        self.random.shuffle(news)
        return news

    def deliver(self, events: Sequence[StoredEvent] | None = None) -> None:
        events = self.news() if events is None else events
        records = [BusRecord(str(place), to_bus(event)) for place, event in enumerate(events)]
        assert self.consumer.consume(records) == succeeded()

    def rebuild(self, tell: Callable[[Progress], None] = lambda _: None, segments: int = 2) -> Rebuilt:
        return Rebuilder(self.model, self.log, self.parking, self.consumer).run(segments, tell)

    def live(self) -> ReadModel:
        return self.model.live_generation()

    def verifier(self, model: ReadModel | None = None) -> Verifier:
        model = model or self.live()
        verifier = Verifier(model, self.log, self.parking)
        for batch in folded_streams(self.log.scan(), model, self.log):
            verifier.compare(batch.streams)
        return verifier

    def findings(self, model: ReadModel | None = None) -> Findings:
        return self.verifier(model).findings

    def streams(self) -> list[UUID]:
        """That the read model follows."""
        types = self.model.aggregate_types
        return [key for key in self.log.stream_ids() if self.log.read(key)[0].aggregate_type in types]

    def in_silence(self, made: ReadModel) -> Findings:
        """What the same log comes to, event by event, where nothing else happens."""
        silent = Consumer(made, self.log, MemoryParking(), lambda: SOME_TIME)
        for key in self.streams():
            for event in self.log.read(key):
                silent.catch_up(key, [event])
        return self.findings(made)


def is_whole(findings: Findings) -> bool:
    return (findings.behind_count, findings.different_count) == (0, 0) and findings.streams > 0
