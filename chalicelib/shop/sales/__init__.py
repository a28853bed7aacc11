"""Sales: what organisers see of their concerts' orders, attendees, check-ins and money."""

from chalicelib.platform.function import Bus
from chalicelib.platform.manifest import Context, ReadModelDeclaration, Store

CONTEXT = Context(
    __name__,
    routes=("api.routes",),
    read_models=(
        ReadModelDeclaration(
            "sales",
            Store.POSTGRES,
            "project_sales",
            "tables.SALES",
            Bus(parallel=4),  # as many as write orders in time, because connections are expensive
        ),
    ),
)
