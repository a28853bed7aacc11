"""No request costs more than its ceiling, and some request of each route comes near to it."""

from chalicelib.shop.ceilings import CEILINGS, Cost
from tests.contract.ceilings.commands import counted_commands
from tests.contract.ceilings.conftest import TYPES, Large
from tests.contract.ceilings.reads import requests_of
from tests.contract.ceilings.world import cost_of

REFUSALS = {401, 403, 404, 409, 503}


def test_no_request_costs_more_than_its_ceiling(large: Large) -> None:
    dearest = dict.fromkeys(CEILINGS, Cost())
    for request in requests_of(large):
        status, cost, body = cost_of(large.world, request.actor, "GET", request.path, None, request.headers)
        key = request.route, request.role
        assert status in {200, *REFUSALS}, (request, body)
        dearest[key] = larger(dearest[key], cost)
    for key, _, cost in counted_commands(large):
        dearest[key] = larger(dearest[key], cost)
    beyond = {key: cost for key, cost in dearest.items() if not is_below(cost, CEILINGS[key])}
    assert beyond == {}
    idle = {key: cost for key, cost in dearest.items() if not is_near(cost, CEILINGS[key])}
    assert idle == {}


def test_the_second_look_at_a_concert_of_4500_pools_reads_none_of_them(large: Large) -> None:
    path = f"/concerts/{large.many_types}/availability"
    for _ in range(2):
        status, cost, _ = cost_of(large.world, None, "GET", path)
    assert (status, cost.redis) == (200, 1)
    assert cost.redis_commands <= 3 * TYPES


def is_near(cost: Cost, ceiling: Cost) -> bool:
    """The reads of the log and the limits of the other servers say something only if some request comes near."""
    figures = ("log_reads", "postgres_ms", "redis_ms")
    return all(getattr(cost, figure) >= getattr(ceiling, figure) // 2 for figure in figures)


def is_below(cost: Cost, ceiling: Cost) -> bool:
    return all(number <= most for number, most in zip(cost, ceiling, strict=True))


def larger(one: Cost, other: Cost) -> Cost:
    return Cost(*map(max, one, other))
