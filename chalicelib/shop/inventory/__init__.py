"""Inventory keeps the stock: who holds, and who has bought, how many tickets of which type."""

from chalicelib.platform.function import Bus, Function, Need, Schedule
from chalicelib.platform.manifest import Context, ReadModelDeclaration, Store

CONTEXT = Context(
    __name__,
    aggregates=("ticket_pool.TICKET_POOL", "allowance.ALLOWANCE"),
    routes=("api.routes",),
    read_models=(
        ReadModelDeclaration(
            "availability",
            Store.REDIS,
            "project_availability",
            "projections.AVAILABILITY_MODEL",
            Bus(reader="AvailabilityFanOut", reader_is_optional=True),
        ),
    ),
    functions=(
        Function(
            "record_lapsed_holds",
            "Clock → log: the holds that have ended in pools where nothing happens",
            Schedule(),
            frozenset({Need.APPEND, Need.REDIS}),
            makes=("redis", "repository"),
            run="schedules.record_lapsed_holds",
        ),
    ),
)
