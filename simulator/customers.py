"""Simulates customers who think, change their minds and ask again, and an organiser who changes or cancels."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from itertools import count
from typing import Any
from uuid import UUID

from chalicelib.platform.caller import Actor, Caller
from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.shop.carts.commands import add_item, check_out, create_cart, extend_holds, remove_item
from chalicelib.shop.concerts.commands import cancel_concert
from chalicelib.shop.orders.commands import cancel_order, pay_order
from chalicelib.shop.orders.payments.sandbox import Token
from chalicelib.shop.orders.rules import PaymentStatus
from simulator.authentication import authenticate
from simulator.giveaways import give_away
from simulator.living import changes
from simulator.moves import draw_move
from simulator.opening import ORGANISER
from simulator.refunds import draw_refund
from simulator.world import Reply, World

HOLD_FOR = timedelta(minutes=15)
PAY_WITHIN = timedelta(minutes=20)
PAUSES = (
    *[timedelta()] * 8,
    timedelta(seconds=1),
    timedelta(seconds=20),
    timedelta(minutes=5),
    HOLD_FOR - timedelta(seconds=1),
    HOLD_FOR,
    PAY_WITHIN - timedelta(seconds=1),
    PAY_WITHIN,
    PAY_WITHIN + timedelta(minutes=3),
)
"""People mostly do not think at all, and often just until a deadline."""
TOKENS = (*[Token.APPROVED] * 4, *Token)
BUYER = {"name": "Carla Jones", "email": "carla@example.org"}
MOST_TRIES = 5
CANCELLED = 0.25
"""The organiser cancels in this share of the schedules."""
GIVES_AWAY = 0.2

CHANGED = 0.4
"""The organiser changes what is on sale in this share of the schedules."""

Command = Callable[[Repository, Caller], Any]


def add_customers(world: World) -> None:
    """Add the customers and the organiser, each of whom comes at some time."""
    for number in range(world.random.randint(2, 5)):
        customer = Customer(world, Actor.of(f"customer {number}", []), f"customer {number}")
        world.scheduler.add(customer.name, customer.shop, is_visitor=True)
    if world.random.random() < GIVES_AWAY:
        world.scheduler.add("organiser", partial(give_away, world, insist), is_visitor=True)
    if world.random.random() < CANCELLED:
        world.scheduler.add("organiser", partial(_cancel, world), is_visitor=True)
    if world.random.random() < CHANGED:
        world.scheduler.add("organiser'", partial(_change, world), is_visitor=True)


def _change(world: World) -> None:
    for number, (what, command) in enumerate(changes(world)):
        world.scheduler.sleep(timedelta(minutes=20) * world.random.random() ** 2)
        insist(world, ORGANISER, "change concert", f"{what} {number}", command, concert=world.stock.concert_id)


def _cancel(world: World) -> None:
    world.scheduler.sleep(timedelta(minutes=35) * world.random.random() ** 2)
    insist(
        world,
        ORGANISER,
        "cancel concert",
        "cancel",
        lambda repository, caller: cancel_concert(repository, caller, world.stock.concert_id),
    )


def insist(world: World, person: Actor, what: str, key: str, command: Command, **about: Any) -> Reply:
    """Ask under the same key until there is an answer, or patience ends."""
    for _ in range(world.random.randint(1, MOST_TRIES)):
        reply = world.serve(person, what, key, command, **about)
        if reply.answer is not None or reply.refusal is not None:
            break
        world.reached.add("request repeated")
        world.scheduler.sleep(world.random.choice(PAUSES[:10]))
    return reply


@dataclass(slots=True)
class Customer:
    """Buys once or twice. Every request may be sent by a second window at the same time."""

    world: World
    person: Actor
    name: str
    _keys: Any = field(default_factory=count)

    def shop(self) -> None:
        self._think()
        for _ in range(self.world.random.randint(1, 2)):
            cart_id = self._ask("create cart", create_cart).answer
            order = self._select(cart_id) if cart_id is not None else None
            if order is not None:
                self._settle(order.order_id)

    def _select(self, cart_id: UUID) -> Any:
        for _ in range(self.world.random.randint(1, 3)):
            added = self._add(cart_id)
            self._think()
            if added is not None and self._happens(0.25):
                remove = partial(self._remove, cart_id=cart_id, item_id=added.item_id)
                self._ask("remove item", remove, cart=cart_id, item=added.item_id)
        if self._happens(0.3):
            self._ask("extend holds", lambda r, caller: extend_holds(r, caller, cart_id, HOLD_FOR), cart=cart_id)
            self._think()
        if self._happens(0.1):
            return None
        vault = self.world.vault
        return self._ask(
            "check out", lambda r, caller: check_out(r, vault, caller, cart_id, BUYER, PAY_WITHIN), cart=cart_id
        ).answer

    def _add(self, cart_id: UUID) -> Any:
        kind = self.world.random.choice(self.world.stock.kinds)
        quantity = self.world.random.choice((1, 1, 2, 3, 4))

        def add(repository: Repository, caller: Caller) -> Any:
            return add_item(repository, caller, cart_id, kind, quantity, HOLD_FOR)

        return self._ask("add item", add, cart=cart_id, kind=kind, quantity=quantity).answer

    def _remove(self, repository: Repository, caller: Caller, cart_id: UUID, item_id: UUID) -> int:
        return remove_item(repository, caller, cart_id, item_id)

    def _settle(self, order_id: UUID) -> None:
        is_paid = False
        for _ in range(self.world.random.randint(0, 3)):
            self._think()
            token = self.world.random.choice(TOKENS)
            pay = partial(self._pay, order_id=order_id, token=token)
            if self._happens(0.2):
                window = partial(self._ask, "pay", pay, order=order_id, token=token)
                self.world.scheduler.add(f"{self.name}'", window, is_visitor=True)
            paid = self._ask("pay", pay, order=order_id, token=token).answer
            is_paid = is_paid or (paid is not None and paid.status is PaymentStatus.SUCCEEDED)
            if paid is not None and paid.next_action is not None:
                authenticate(self.world, paid.payment_id, paid.next_action.client_secret, self._think)
        for is_customer in (True, False):
            if self._happens(0.7 if is_paid else 0.1):
                self._ask_for_move(order_id, is_customer)
            if self._happens(0.25):
                self._ask_for_refund(order_id, is_customer)
        if self._happens(0.1):
            self._ask("cancel order", partial(self._cancel, order_id=order_id), order=order_id)

    def _ask_for_refund(self, order_id: UUID, is_customer: bool) -> None:
        self._think()
        key, person = f"{self.name} refund {next(self._keys)}", self.person if is_customer else ORGANISER
        ask = partial(draw_refund(self.world, is_customer=is_customer), world=self.world, order_id=order_id)
        if self._happens(0.2):
            twin = partial(insist, self.world, person, "refund", key, ask, order=order_id)
            self.world.scheduler.add(f"{self.name}, second refund", twin, is_visitor=True)
        insist(self.world, person, "refund", key, ask, order=order_id)

    def _ask_for_move(self, order_id: UUID, is_customer: bool) -> None:
        """Move tickets, and mostly pay what that costs."""
        self._think()
        key, person = f"{self.name} move {next(self._keys)}", self.person if is_customer else ORGANISER
        drawn = draw_move(self.world, is_customer=is_customer)
        ask = partial(drawn, world=self.world, order_id=order_id)
        if self._happens(0.2):
            twin = partial(insist, self.world, person, "move", key, ask, order=order_id, **drawn.about)
            self.world.scheduler.add(f"{self.name}, second move", twin, is_visitor=True)
        moved = insist(self.world, person, "move", key, ask, order=order_id, **drawn.about).answer
        if moved is not None and moved.event.supplement.amount and self._happens(0.8):
            self._think()
            token = self.world.random.choice((*[Token.APPROVED] * 6, *TOKENS))
            paid = self._ask("pay", partial(self._pay, order_id=order_id, token=token), order=order_id, token=token)
            if paid.answer is not None and paid.answer.next_action is not None:
                secret = paid.answer.next_action.client_secret
                authenticate(self.world, paid.answer.payment_id, secret, self._think)

    def _pay(self, repository: Repository, caller: Caller, order_id: UUID, token: Token) -> Any:
        return pay_order(repository, self.world.gateways, caller, order_id, "sandbox", token)

    def _cancel(self, repository: Repository, caller: Caller, order_id: UUID) -> Any:
        return cancel_order(repository, self.world.gateways, caller, order_id)

    def _ask(self, what: str, command: Command, **about: Any) -> Reply:
        key = f"{what} {next(self._keys)}"
        if self._happens(0.1):
            twin = partial(insist, self.world, self.person, what, key, command, **about)
            self.world.scheduler.add(f"{self.name}''", twin, is_visitor=True)
        return insist(self.world, self.person, what, key, command, **about)

    def _think(self) -> None:
        self.world.scheduler.sleep(self.world.random.choice(PAUSES))

    def _happens(self, chance: float) -> bool:
        return self.world.random.random() < chance
