"""Plays one on-sale: buyers, and an attacker's accounts or none."""

from collections import Counter
from dataclasses import dataclass, field, replace
from functools import partial
from uuid import UUID

from chalicelib.platform.caller import Actor
from chalicelib.platform.money import Money
from chalicelib.shop.concerts.commands import add_ticket_type
from chalicelib.shop.concerts.events import TicketType
from chalicelib.shop.inventory.pool_sizing import split_stock
from ops.plan.simulation.sale import quantile
from ops.plan.timings import Timings
from simulator.attack.api import Api
from simulator.attack.attackers import PLANS, Account
from simulator.attack.buyers import QUANTITIES, STEPS, Bought, Buyer
from simulator.attack.dynamodb import Network
from simulator.attack.requests import LIMITED, Requests, Rules
from simulator.opening import ORGANISER, publish, schedule
from simulator.oracle import judge, stock_of
from simulator.schedule import seeded, silence
from simulator.scheduler import Scheduler
from simulator.servers import Log
from simulator.world import Stock, caller_of

MOST_STEPS = 50_000_000
MOST_TIMES = 3
"""A buyer's median step may take less than so many times what it takes without the attacker."""


@dataclass(frozen=True, slots=True)
class Game:
    """Describes a sale. The buyers come evenly within `seconds`; the attacker is there from the first moment."""

    tickets: int = 3_000
    buyers: int = 200
    seconds: float = 5.0
    accounts: int = 50
    windows: int = 2
    rules: Rules = LIMITED
    timings: Timings = field(default_factory=Timings)

    @property
    def has_enough(self) -> bool:
        """Tell whether all buyers can be served although each account holds as much as the default limit permits."""
        return self.tickets >= self.accounts * LIMITED.carts.held_per_concert + self.buyers * max(QUANTITIES)


@dataclass(frozen=True, slots=True)
class Outcome:
    """Records a game's end: what became of the buyers, what the attacker was answered and holds, and what it cost.

    `findings` are tickets that were oversold, and actors that failed.
    """

    bought: Bought
    attacker: Counter[str]
    held: int
    lost_races: int
    throttled: int
    containers: int
    findings: tuple[str, ...]

    def seconds(self, step: str, share: float) -> float:
        return quantile(self.bought.seconds[step], share)

    def plus(self, other: "Outcome") -> "Outcome":
        """Return both games as one."""
        return Outcome(
            self.bought.plus(other.bought),
            self.attacker + other.attacker,
            self.held + other.held,
            self.lost_races + other.lost_races,
            self.throttled + other.throttled,
            max(self.containers, other.containers),
            self.findings + other.findings,
        )


def broken_promises(game: Game, quiet: Outcome, attacked: Outcome) -> list[str]:
    """Say what the attacker has achieved."""
    found = [*quiet.findings, *attacked.findings]
    allowed = set() if game.has_enough else {"sold_out"}
    refused = {code: number for code, number in attacked.bought.refused.items() if code not in allowed}
    found += [f"{number} buyers were refused as {code}." for code, number in refused.items()]
    for step in STEPS:
        before, now = quiet.seconds(step, 0.5), attacked.seconds(step, 0.5)
        if now >= MOST_TIMES * before:
            found.append(f"Half of the buyers waited {now:.2f} s for {step}, and {before:.2f} s without the attacker.")
    return found


def play(seed: int, game: Game) -> Outcome:
    """Play the game of this seed, which is the same in every process."""
    with seeded(seed), silence():
        return _Sale(seed, game).play()


def without_attacker(game: Game) -> Game:
    return replace(game, accounts=0)


class _Sale:
    def __init__(self, seed: int, game: Game) -> None:
        self._game = game
        self._scheduler = Scheduler(seed, most_steps=MOST_STEPS)
        self._network = Network(self._scheduler, game.timings)
        self._log = Log(self._scheduler)
        self._api = Api(self._scheduler, self._network, self._log)
        self._requests = Requests(self._api, game.rules)
        self._bought, self._answers = Bought(), Counter[str]()

    def play(self) -> Outcome:
        ticket_type_id = self._put_on_sale()
        for number in range(self._game.buyers):
            self._add_buyer(number, ticket_type_id)
        for number in range(self._game.accounts):
            self._add_account(number, ticket_type_id)
        self._scheduler.run()
        events = self._log.events()
        return Outcome(
            self._bought,
            self._answers,
            stock_of(events, self._scheduler.now).held,
            self._log.lost_races,
            self._api.log.throttled,
            self._api.peak,
            (*self._scheduler.failures, *judge(events).oversold),
        )

    def _put_on_sale(self) -> UUID:
        repository = self._api.new_container().repository
        concert_id = schedule(repository)

        def describe(key: UUID) -> TicketType:
            price = Money.of("25.00", "EUR")
            return TicketType(id=key, name="Standing", price=price, quantity=self._game.tickets, max_per_order=10)

        ticket_type_id, _ = add_ticket_type(repository, caller_of(ORGANISER, "type", "1"), concert_id, describe)
        stock = Stock(concert_id, {ticket_type_id: split_stock(self._game.tickets)})
        repository.execute(partial(publish, stock=stock), caller_of(ORGANISER, "publish", "1").origin)
        return ticket_type_id

    def _add_buyer(self, number: int, wants: UUID) -> None:
        person = Actor.of(f"buyer {number}", [])
        comes_at = self._network.random.uniform(0, self._game.seconds)
        buyer = Buyer(self._requests, self._network, person, wants, comes_at, self._bought)
        self._scheduler.add(f"buyer {number}", buyer.shop, is_visitor=True)

    def _add_account(self, number: int, wants: UUID) -> None:
        person, plans = Actor.of(f"attacker {number}", []), list(PLANS.values())
        plan = plans[number % len(plans)]
        account = Account(self._requests, self._network, person, wants, plan, self._answers, self._has_buyers)
        for window in range(self._game.windows):
            self._scheduler.add(f"attacker {number}.{window}", account.attack)

    def _has_buyers(self) -> bool:
        return self._scheduler.visitors > 0
