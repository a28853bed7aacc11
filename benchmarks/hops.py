"""Counts how often control changes file during a call, traced on the memory store without a server.

It counts the calls of Python functions of the package, in their order: each one whose file differs from that of the
call before it, and the first one. A generator is called whenever it continues. It does not count returns, nor what
happens outside of the package.
"""

import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import FrameType
from uuid import UUID

import chalicelib
from benchmarks.buyer import BUYER
from benchmarks.holds import HOLD_FOR, ORIGIN, caller, new_cart, pool_openings
from chalicelib.platform.clock import utc_now
from chalicelib.platform.errors import Unavailable
from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore
from chalicelib.platform.privacy.keys import MemoryPersonKeys
from chalicelib.platform.privacy.vault import PersonVault
from chalicelib.platform.processes.work import MemoryWorkQueue, Task, to_message
from chalicelib.platform.processes.worker import Message, Worker
from chalicelib.shop.carts.commands import add_item, check_out
from chalicelib.shop.inventory.commands import open_pools
from chalicelib.shop.orders.commands import pay_order
from chalicelib.shop.orders.payments.sandbox import MemoryLedger, SandboxGateway, Token
from chalicelib.shop.orders.task_kinds import SETTLE_ORDER
from simulator.workers import WorkerServices

PACKAGE = str(Path(chalicelib.__file__).parent)
PAY_WITHIN = timedelta(minutes=20)
TICKET_TYPE = UUID("b0a7d000-0000-4000-8000-000000000000")


@dataclass
class Trace:
    """Records the files of the package's functions, in the order in which they were called."""

    files: list[str] = field(default_factory=list)

    @property
    def hops(self) -> int:
        """Return how often the file changed."""
        return sum(before != file for before, file in zip([None, *self.files], self.files, strict=False))

    def run(self, way: Callable[[], object]) -> "Trace":
        """Trace all that `way` calls in this thread."""
        before = sys.getprofile()
        sys.setprofile(self._note)
        try:
            way()
        finally:
            sys.setprofile(before)
        return self

    def _note(self, frame: FrameType, event: str, _: object) -> None:
        file = frame.f_code.co_filename
        if event == "call" and file.startswith(PACKAGE):
            self.files.append(file)


class MemoryShop:
    """Is one warm container of the shop: everything in memory, one pool on sale."""

    def __init__(self) -> None:
        self.repository = Repository(MemoryEventStore(), utc_now)
        self._vault = PersonVault(MemoryPersonKeys())
        self._gateways = {"sandbox": SandboxGateway(MemoryLedger(), utc_now, "secret", lambda *_: None)}
        openings = pool_openings(TICKET_TYPE, pools=1, capacity=1000)
        self.repository.execute(lambda session: open_pools(session, openings), ORIGIN)

    def hold(self, cart_id: UUID) -> None:
        """Do what `POST /carts/{id}/items` asks for."""
        add_item(self.repository, caller(), cart_id, TICKET_TYPE, 1, HOLD_FOR)

    def pay_without_reply(self) -> UUID:
        """Return the id of an order that is paid but not confirmed, which is left to the work queue."""
        cart_id = new_cart(self.repository)
        self.hold(cart_id)
        order_id = check_out(self.repository, self._vault, caller(), cart_id, BUYER["buyer"], PAY_WITHIN).order_id
        with suppress(Unavailable):
            pay_order(self.repository, self._gateways, caller(), order_id, "sandbox", Token.LOST_REPLY)
        return order_id

    def settle(self, order_id: UUID) -> None:
        """Do what a message of the work queue asks for."""
        task = Task(SETTLE_ORDER, order_id, "a benchmark")
        answer = self._worker().work([Message("1", to_message(task))])
        if answer["batchItemFailures"]:
            raise RuntimeError(f"order {order_id} was not settled")

    def _worker(self) -> Worker:
        return WorkerServices(self.repository, self._gateways, MemoryWorkQueue(), utc_now).worker()


def measure() -> Mapping[str, Trace]:
    """Measure each way as a warm container takes it, which has taken it before."""
    shop = MemoryShop()
    ways: list[Callable[[], tuple[str, Callable[[], None]]]] = [
        lambda: ("from command to append: POST /carts/{id}/items", _with(shop.hold, new_cart(shop.repository))),
        lambda: ("from the work queue to a confirmed order", _with(shop.settle, shop.pay_without_reply())),
    ]
    traces = {}
    for prepare in ways:
        for _ in range(2):
            name, way = prepare()
            traces[name] = Trace().run(way)
    return traces


def _with(call: Callable[[UUID], None], stream_id: UUID) -> Callable[[], None]:
    return lambda: call(stream_id)
