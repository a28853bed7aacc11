"""Concerts say what is played where and when, and which tickets there are."""

from chalicelib.platform.function import Bus
from chalicelib.platform.manifest import Context, ReadModelDeclaration, Store

CONTEXT = Context(
    __name__,
    aggregates=("concert.CONCERT",),
    routes=("api.routes", "live_api.routes", "areas_api.routes"),
    read_models=(
        ReadModelDeclaration(
            "programme",
            Store.POSTGRES,
            "project_programme",
            "tables.PROGRAMME",
            Bus(parallel=2),  # few events, and connections are expensive
        ),
    ),
    projectors={"programme": "projections.PROJECTORS", "sales": "sales.PROJECTORS", "carts": "names.NAMES"},
    processes=("process.ConcertProcess",),
    tasks={"resume_concert": "tasks.resume_concert"},
)
