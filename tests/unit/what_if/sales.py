"""Sales to replay: what the log has of a concert, and the replay of it under some rules."""

from uuid import UUID

from hypothesis import reject

from chalicelib.platform.caller import Actor
from chalicelib.platform.eventsourcing.store import EventStore
from chalicelib.shop.carts.commands import extend_holds
from chalicelib.shop.orders.commands import cancel_order
from chalicelib.shop.orders.refunding import WantedRefund, refund_order
from chalicelib.shop.orders.settlement import settle
from ops.what_if.comparison import Comparison, compare
from ops.what_if.recording import Recording, read_concert, read_sale
from ops.what_if.rules import Rules
from simulator.schedule import run_schedule
from simulator.world import World
from tests.support.shop import HOLD_FOR, ORGANISER, Clock, Shop


def recorded_sale(log: EventStore, concert_id: UUID, clock: Clock) -> Recording:
    return read_sale(log, read_concert(log, concert_id, clock()), clock())


def simulated_sale(seed: int) -> Recording:
    """The sale of a schedule of the simulator without areas, when everything has come to rest."""
    worlds: list[World] = []
    run_schedule(seed, look=worlds.append)
    [world] = worlds
    if world.stock.areas:
        reject()
    return recorded_sale(world.log, world.stock.concert_id, Clock(world.scheduler.now))


def what_if(shop: Shop, concert_id: UUID, rules: Rules) -> Comparison:
    """The sale until now under other rules. Under its own it is always the same, or nothing here means anything."""
    compared = compare(recorded_sale(shop.store, concert_id, shop.clock), rules)
    assert compared.deviation is None
    return compared


class Visit:
    """One customer's cart, and what comes of it."""

    def __init__(self, shop: Shop, name: str) -> None:
        self.shop, self.actor = shop, Actor.of(name, [])
        self.cart_id = shop.cart(self.actor)

    def takes(self, ticket_type_id: UUID, quantity: int = 1) -> "Visit":
        self.shop.add(self.cart_id, ticket_type_id, quantity, self.shop.request(self.actor))
        return self

    def extends(self) -> "Visit":
        extend_holds(self.shop.repository, self.shop.request(self.actor), self.cart_id, HOLD_FOR, self.shop.limits)
        return self

    def orders(self) -> UUID:
        return self.shop.check_out(self.cart_id, self.shop.request(self.actor)).order_id

    def pays(self, order_id: UUID, token: str = "tok_visa") -> None:
        self.shop.pay(order_id, token, self.shop.request(self.actor))

    def cancels(self, order_id: UUID) -> None:
        cancel_order(self.shop.repository, self.shop.gateways, self.shop.request(self.actor), order_id)

    def buys(self, ticket_type_id: UUID, quantity: int = 1) -> None:
        self.pays(self.takes(ticket_type_id, quantity).orders())


def sweep(shop: Shop, order_id: UUID) -> None:
    """The watchdog finds that the order is due."""
    settle(shop.context(), order_id, shop.clock())


def gives_back(shop: Shop, order_id: UUID) -> None:
    """The organiser refunds the order, and its tickets are for sale again."""
    refund_order(
        shop.repository, shop.gateways, shop.request(ORGANISER), order_id, WantedRefund("The view is blocked.")
    )
