"""Plays an organiser who gives tickets away while customers buy."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from uuid import UUID

from chalicelib.platform.caller import Caller
from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.shop.orders.complimentary import ComplimentaryTickets, issue_tickets
from simulator.opening import ORGANISER
from simulator.world import Reply, World

GIVEN_AWAY = "tickets given away"
GUEST = {"name": "Gina Guest"}


def give_away(world: World, insist: Callable[..., Reply]) -> None:
    """Give some tickets to a guest, at some time of the sale; the request may come from two windows."""
    world.scheduler.sleep(timedelta(minutes=30) * world.random.random() ** 2)
    kind, quantity = world.random.choice(world.stock.kinds), world.random.choice((1, 2, 3))
    ask = partial(_issue, world=world, kind=kind, quantity=quantity)
    give = partial(insist, world, ORGANISER, "give away", "guest", ask, kind=kind, quantity=quantity)
    world.scheduler.add("organiser, second window", give, is_visitor=True)
    give()


def _issue(repository: Repository, caller: Caller, world: World, kind: UUID, quantity: int) -> ComplimentaryTickets:
    return issue_tickets(repository, world.vault, caller, world.stock.concert_id, kind, quantity, GUEST)
