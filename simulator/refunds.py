"""Plays refunds that customers and the organiser ask for, of whole orders, of tickets and of amounts."""

from datetime import timedelta
from uuid import UUID

from chalicelib.platform.caller import Caller
from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.platform.money import Money
from chalicelib.shop.orders.order import ORDER
from chalicelib.shop.orders.policies import set_policy
from chalicelib.shop.orders.refund_policy import PolicyTerms, TicketsOnReversal
from chalicelib.shop.orders.refunding import GrantedRefund, WantedRefund, refund_order
from simulator.opening import ORGANISER
from simulator.scheduler import START
from simulator.world import World, caller_of

BY_CUSTOMER, BY_ORGANISER = "refund granted to a customer", "refund granted by the organiser"
BACK_ON_SALE, FEE_KEPT = "tickets back on sale", "fee kept"
MILESTONES = (BY_CUSTOMER, BY_ORGANISER, BACK_ON_SALE, FEE_KEPT)
LATER = START + timedelta(days=1)
POLICIES = (
    None,
    PolicyTerms(START + timedelta(minutes=40), 10, fee_per_ticket=Money.of("1.25", "EUR"), moves_until=LATER),
    PolicyTerms(START + timedelta(days=1), 0, TicketsOnReversal.KEEP, moves_until=LATER),
    PolicyTerms(START + timedelta(minutes=40), 33, TicketsOnReversal.REVOKE_AT_ONCE),
)


def choose_policy(world: World) -> None:
    """Let the organiser set a policy before the sale, or none."""
    terms = world.random.choice(POLICIES)
    if terms is not None:
        set_policy(world.containers[0].repository, caller_of(ORGANISER, "policy", "1"), world.stock.concert_id, terms)


def draw_refund(world: World, *, is_customer: bool) -> "Refund":
    """Choose what is asked for; the same request asks for the same again."""
    places = world.random.choice((None, (0,), (1,), (0, 2)))
    amount = None if is_customer or places is not None else world.random.choice((None, Money.of("10.01", "EUR")))
    return Refund(places, amount, is_customer, is_customer or world.random.random() < 0.7)  # noqa: PLR2004


class Refund:
    """A request for a refund of an order, which names tickets by their places."""

    def __init__(self, places: tuple[int, ...] | None, amount: Money | None, is_customer: bool, restocks: bool) -> None:
        self._places, self._amount = places, amount
        self._reason = None if is_customer else "The view is blocked."
        self._restocks = restocks

    def __call__(self, repository: Repository, caller: Caller, world: World, order_id: UUID) -> GrantedRefund:
        """Ask, as a client who has read the order."""
        tickets = repository.load(ORDER, order_id)[0].tickets
        chosen = tuple(tickets[place].id for place in self._places or () if place < len(tickets))
        wanted = WantedRefund(self._reason, chosen or None, self._amount, restock=self._restocks)
        return refund_order(repository, world.gateways, caller, order_id, wanted)
