"""No request costs more than its ceiling, and some request of each route comes near to it."""

from chalicelib.shop.ceilings import CEILINGS, Cost
from tests.contract.ceilings.commands import counted_commands
from tests.contract.ceilings.conftest import Large
from tests.contract.ceilings.reads import requests_of
from tests.contract.ceilings.world import cost_of

REFUSALS = {401, 403, 404, 409, 503}


def test_no_request_costs_more_than_its_ceiling(large: Large) -> None:
    dearest = dict.fromkeys(CEILINGS, Cost())
    for request in requests_of(large):
        status, cost, body = cost_of(large.world, request.actor, "GET", request.path, None, request.headers)
        key = request.route, request.role
        assert is_below(cost, CEILINGS[key]), (request, status, cost, body)
        assert status in {200, *REFUSALS}, (request, body)
        dearest[key] = larger(dearest[key], cost)
    for key, status, cost in counted_commands(large):
        assert is_below(cost, CEILINGS[key]), (key, status, cost)
        dearest[key] = larger(dearest[key], cost)
    idle = {key: cost for key, cost in dearest.items() if cost.log_reads < CEILINGS[key].log_reads // 2}
    assert idle == {}


def is_below(cost: Cost, ceiling: Cost) -> bool:
    return all(number <= most for number, most in zip(cost, ceiling, strict=True))


def larger(one: Cost, other: Cost) -> Cost:
    return Cost(*map(max, one, other))
