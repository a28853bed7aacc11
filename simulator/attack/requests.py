"""Lists the requests that customers send, with the rules of the stage filled in."""

from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from chalicelib.platform.caller import Actor, Caller
from chalicelib.shop.carts.commands import add_item, check_out, extend_holds, remove_item
from chalicelib.shop.carts.limits import CartLimits
from chalicelib.shop.carts.opening import open_cart
from chalicelib.shop.orders.commands import cancel_order, pay_order
from chalicelib.shop.orders.payments.declines import Admit, admit_anybody
from chalicelib.shop.orders.payments.sandbox import Token
from simulator.attack.api import Api, Command, Container
from simulator.customers import BUYER, HOLD_FOR, PAY_WITHIN

NO_LIMITS = CartLimits(10**6, 10**6, 10**6, timedelta(0), 10**6)


@dataclass(frozen=True, slots=True)
class Rules:
    """The limits of the stage; without `declines`, cards can be tried for ever."""

    carts: CartLimits = field(default_factory=CartLimits)
    declines: bool = True


LIMITED, UNLIMITED = Rules(), Rules(NO_LIMITS, declines=False)


class Requests:
    """Makes the command of each request."""

    def __init__(self, api: Api, rules: Rules) -> None:
        self.api = api
        self._rules = rules

    def open_cart(self, container: Container, caller: Caller) -> UUID:
        return open_cart(container.repository, caller, self._rules.carts).cart_id

    def add(self, cart_id: UUID, ticket_type_id: UUID, quantity: int) -> Command:
        def add(container: Container, caller: Caller) -> UUID:
            limits = self._rules.carts
            return add_item(container.repository, caller, cart_id, ticket_type_id, quantity, HOLD_FOR, limits).item_id

        return add

    def remove(self, cart_id: UUID, item_id: UUID) -> Command:
        return lambda container, caller: remove_item(container.repository, caller, cart_id, item_id)

    def extend(self, cart_id: UUID) -> Command:
        limits = self._rules.carts
        return lambda container, caller: extend_holds(container.repository, caller, cart_id, HOLD_FOR, limits)

    def check_out(self, cart_id: UUID) -> Command:
        def check(container: Container, caller: Caller) -> UUID:
            vault, limits = self.api.vault, self._rules.carts
            return check_out(container.repository, vault, caller, cart_id, BUYER, PAY_WITHIN, limits).order_id

        return check

    def pay(self, order_id: UUID, token: Token) -> Command:
        def pay(container: Container, caller: Caller) -> Any:
            admit = self._admit(caller.actor)
            return pay_order(container.repository, self.api.gateways, caller, order_id, "sandbox", token, admit)

        return pay

    def cancel(self, order_id: UUID) -> Command:
        return lambda container, caller: cancel_order(container.repository, self.api.gateways, caller, order_id)

    def _admit(self, person: Actor) -> Admit:
        """Limit declined cards. Everybody has an address of one's own, as an attacker would."""
        return partial(self.api.declines.admit, person.id, str(person.id)) if self._rules.declines else admit_anybody
