"""Takes the steps of a sale again, by the shop's own aggregates and commands, under the rules that are asked about."""

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from uuid import UUID

from chalicelib.platform.caller import Actor, Caller, RequestIdentity
from chalicelib.platform.errors import Expired, RuleViolated
from chalicelib.platform.eventsourcing.codec import Origin
from chalicelib.platform.eventsourcing.event import Event
from chalicelib.platform.eventsourcing.session import Session
from chalicelib.platform.privacy.keys import MemoryPersonKeys
from chalicelib.platform.privacy.vault import PersonVault
from chalicelib.shop.carts.cart import CART, Cart, LinesExpired, OrderLimitExceeded
from chalicelib.shop.carts.commands import check_out, extend_holds, remove_item
from chalicelib.shop.inventory.allowance import CustomerLimitExceeded
from chalicelib.shop.inventory.events import TicketPoolEvent
from chalicelib.shop.inventory.ticket_pool import TicketsSoldOut
from chalicelib.shop.orders.order import ORDER, Order
from chalicelib.shop.orders.payments.port import Charged, Declined
from chalicelib.shop.orders.settlement import SettlementContext, end, record_outcome
from ops.what_if.agenda import Agenda, Entry
from ops.what_if.demand import (
    Cancel,
    ChangeStock,
    CheckOut,
    EndPayment,
    Expire,
    Extend,
    GiveBack,
    Remove,
    StartPayment,
    Step,
    Take,
)
from ops.what_if.patience import WaitingRoom
from ops.what_if.rules import Rules
from ops.what_if.sale import Sale
from ops.what_if.shop import ReplayRepository
from ops.what_if.stock import ReplayedStock

ORIGIN = Origin("what-if", "what-if", "what-if")
REFUSALS = (RuleViolated, Expired)


@dataclass(slots=True)
class Replayed:
    """What a replay came to: the events of each pool, and whose each order was.

    `asked` counts the requests for tickets that the log has, and `again` those made once more because a hold had ended
    sooner than then. `waited` counts those for which too few tickets were free at first, `fewer` those that got fewer
    tickets than then, and `refused` what was refused, by code.
    """

    pools: dict[UUID, list[TicketPoolEvent]] = field(default_factory=dict)
    customers: dict[UUID, UUID] = field(default_factory=dict)
    refused: Counter[str] = field(default_factory=Counter)
    asked: int = 0
    waited: int = 0
    again: int = 0
    fewer: int = 0


def replay(sale: Sale, rules: Rules, advance: Callable[[], None] = lambda: None) -> Replayed:
    """Take every step of the sale at its time.

    The same rules come to the same, also where the shop breaks ties at random.
    """
    player = _Player(sale, rules)
    with _seeded():
        for entry in player.agenda:
            player.take(entry)
            if not entry.is_new:
                advance()
    return player.replayed


class _Player:
    def __init__(self, sale: Sale, rules: Rules) -> None:
        self.replayed = Replayed({key: [] for key in sale.concert.pool_ids})
        self._rules = rules
        self._stock = ReplayedStock(rules)
        self._repository = ReplayRepository(self._watch)
        self._vault = PersonVault(MemoryPersonKeys())
        self._context = SettlementContext(self._repository, {}, ORIGIN)
        self._wanted = {(step.cart_id, step.line.id): step for step in sale.steps if isinstance(step, Take)}
        self._late_by: dict[UUID, timedelta] = {}
        steps: Sequence[Step] = sale.steps
        if rules.pay_within is not None:
            # Orders end by other deadlines, so these steps have other times, which checkouts tell.
            self._late_by = {step.order_id: step.late_by for step in steps if isinstance(step, Expire)}
            steps = [step for step in steps if not isinstance(step, Expire)]
        self.agenda = Agenda(steps, sale.until)
        self._waiting_room = WaitingRoom(steps, rules.patience)

    def take(self, entry: Entry) -> None:
        self.replayed.asked += isinstance(entry.step, Take) and not entry.is_new
        if self._waiting_room.postpones(entry, self.agenda):
            return
        self._repository.clock = entry.step.at
        try:
            self._take(entry.step)
        except REFUSALS as refusal:
            self.replayed.refused[refusal.code] += 1

    def _take(self, step: Step) -> None:
        match step:
            case Take():
                self._hold_or_wait(step)
            case Extend():
                self._extend(step)
            case Remove():
                if step.item_id in self._cart(step.cart_id).lines:
                    self._remove(step.cart_id, step.item_id)
            case CheckOut():
                self._check_out(step)
            case ChangeStock():
                self._repository.execute(partial(self._stock.change, step=step), ORIGIN)
            case GiveBack():
                self._repository.execute(partial(self._stock.give_back, step=step), ORIGIN)
            case _ if self._order(step.order_id).payment_due_at is not None:
                self._settle(step)

    def _hold_or_wait(self, step: Take) -> None:
        try:
            self._hold(step)
        except TicketsSoldOut:
            is_first = not self._waiting_room.knows(step)
            if not self._waiting_room.refuse(step, self.agenda):
                raise
            self.replayed.waited += is_first
        except REFUSALS:
            self._waiting_room.serve(step, self.agenda)
            raise
        else:
            self._waiting_room.serve(step, self.agenda)

    def _hold(self, step: Take, *, again: bool = False) -> None:
        """Hold what the customer wanted, or as much of it as the limits permit."""
        quantity = step.line.quantity
        while True:
            hold = partial(self._stock.hold, step=step, quantity=quantity, again=again)
            try:
                self._repository.execute(hold, ORIGIN)
                break
            except (CustomerLimitExceeded, OrderLimitExceeded) as exceeded:
                permitted = exceeded.facts["limit"] - exceeded.facts.get("taken", exceeded.facts.get("selected"))
                if not 0 < permitted < quantity:
                    raise
                quantity = permitted
        self.replayed.fewer += quantity < step.line.quantity

    def _extend(self, step: Extend) -> None:
        """Extend what is held; a customer who finds that nothing is held any more asks for it again."""
        if not self._cart(step.cart_id).lines:
            return
        hold_for = self._rules.hold_for or step.hold_for
        caller = self._caller(step.cart_id, step.extension_id)
        try:
            extend_holds(self._repository, caller, step.cart_id, hold_for, self._stock.limits)
        except LinesExpired:
            self._hold_again(step.cart_id)

    def _check_out(self, step: CheckOut) -> None:
        """Check out what is held; a customer first asks again for what is not, and does without what is gone."""
        self._hold_again(step.cart_id)
        if not self._cart(step.cart_id).lines:
            return
        caller = self._caller(step.cart_id, step.order_id)
        pay_within = self._rules.pay_within or step.pay_within
        check_out(self._repository, self._vault, caller, step.cart_id, {}, pay_within, self._stock.limits)
        self.replayed.customers[step.order_id] = caller.actor.id
        if self._rules.pay_within is not None:
            late_by = self._late_by.get(step.order_id, timedelta())
            self.agenda.add(Expire(step.at + pay_within + late_by, step.order_id, late_by))

    def _hold_again(self, cart_id: UUID) -> None:
        cart = self._cart(cart_id)
        live = {line.id for line in cart.live_lines(self._repository.now())}
        for item_id in [key for key in cart.lines if key not in live]:
            self._remove(cart_id, item_id)
            self.replayed.again += 1
            try:
                self._hold(self._wanted[cart_id, item_id], again=True)
            except REFUSALS as refusal:
                self.replayed.refused[refusal.code] += 1

    def _remove(self, cart_id: UUID, item_id: UUID) -> None:
        remove_item(self._repository, self._caller(cart_id, item_id), cart_id, item_id)

    def _settle(self, step: StartPayment | EndPayment | Expire | Cancel) -> None:
        match step:
            case StartPayment():
                self._repository.execute(partial(_start_payment, step=step), ORIGIN)
            case EndPayment() if step.payment_id in self._order(step.order_id).payments:
                self._end_payment(step)
            case Expire():
                end(self._context, step.order_id, Order.expire)
            case Cancel():
                end(self._context, step.order_id, lambda order, now: order.cancel(step.reason, now))

    def _end_payment(self, step: EndPayment) -> None:
        order = self._order(step.order_id)
        if step.sold and step.sold_by_line == {line.hold_id: line.quantity for line in order.lines if line.shares}:
            try:
                self._repository.execute(partial(self._confirm, step=step), ORIGIN)
            except REFUSALS:  # other tickets than those of then may do
                pass
            else:
                return
        outcome = Charged("", step.wrong_amount or order.total) if step.is_paid else Declined("")
        record_outcome(self._context, step.order_id, step.payment_id, outcome)

    def _confirm(self, session: Session, step: EndPayment) -> None:
        order = session.load(ORDER, step.order_id)
        events = order.confirm(step.order_id, session.ids, session.now, step.payment_id, "")
        session.append(ORDER, step.order_id, *events)
        if events:
            self._stock.sell(session, order, step.order_id, step.sold)

    def _cart(self, cart_id: UUID) -> Cart:
        return self._repository.load(CART, cart_id)[0]

    def _order(self, order_id: UUID) -> Order:
        return self._repository.load(ORDER, order_id)[0]

    def _caller(self, cart_id: UUID, request_id: UUID) -> Caller:
        """Ask as the cart's customer, under the id that the request had then: what it makes has the same id again."""
        customer_id = self._cart(cart_id).customer_id
        assert customer_id is not None  # noqa: S101 - the cart has lines
        return Caller(Actor(customer_id, frozenset()), ORIGIN, RequestIdentity(request_id, "", is_repeatable=False))

    def _watch(self, stream_id: UUID, event: Event) -> None:
        if isinstance(event, TicketPoolEvent):
            self.replayed.pools[stream_id].append(event)


def _start_payment(session: Session, step: StartPayment) -> None:
    events = session.load(ORDER, step.order_id).start_payment(step.payment_id, step.provider, "", session.now)
    session.append(ORDER, step.order_id, *events)


@contextmanager
def _seeded() -> Iterator[None]:
    """Seed the shop's own random choices of pools, and give the process its own randomness back."""
    before = random.getstate()
    random.seed(0)
    try:
        yield
    finally:
        random.setstate(before)
