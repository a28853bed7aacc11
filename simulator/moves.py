"""Plays moves of tickets to another row, at any price, and to another holder."""

from uuid import UUID

from chalicelib.platform.caller import Caller
from chalicelib.platform.errors import InvalidInput, RuleViolated
from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.shop.orders.moves import MovedTickets, WantedMove, move_tickets
from chalicelib.shop.orders.order import ORDER
from simulator.world import World

MOVED, HANDED_ON, PAID, ENDED = "tickets moved", "another holder", "difference of a move paid", "move not paid"
MILESTONES = (MOVED, HANDED_ON, PAID, ENDED)
HOLDER = {"name": "Gina Guest"}
FREE_LIMIT = 10


class Pointless(RuleViolated):
    """The request makes no sense: the order has no such tickets, or they are where they shall go."""

    code = "pointless"


def draw_move(world: World, *, is_customer: bool) -> "Move":
    """Choose what is asked for; the same request asks for the same again."""
    kind = world.random.choice((None, *world.stock.kinds, *world.stock.kinds, *world.stock.kinds))
    places = world.random.choice(((0,), (1,), (0, 1), (2,)))
    return Move(places, kind, is_customer, kind is None or world.random.random() < 0.2)  # noqa: PLR2004


class Move:
    """A request that moves tickets of an order, which it names by their places."""

    def __init__(self, places: tuple[int, ...], kind: UUID | None, is_customer: bool, has_holder: bool) -> None:
        self._places, self._kind = places, kind
        self._reason = None if is_customer else "The view is blocked."
        self._holder = HOLDER if has_holder else None

    @property
    def about(self) -> dict[str, UUID | int]:
        """Say which stock is wanted, and how much of it."""
        return {} if self._kind is None else {"kind": self._kind, "quantity": len(self._places)}

    def __call__(self, repository: Repository, caller: Caller, world: World, order_id: UUID) -> MovedTickets:
        """Ask, as a client who has read the order; without tickets it names one that is not there."""
        tickets = repository.load(ORDER, order_id)[0].tickets
        chosen = tuple(tickets[place].id for place in self._places if place < len(tickets)) or (order_id,)
        wanted = WantedMove(chosen, self._kind, holder=self._holder, reason=self._reason)
        try:
            return move_tickets(repository, world.vault, world.gateways, caller, order_id, wanted, FREE_LIMIT)
        except InvalidInput as error:
            raise Pointless(error.detail) from error
