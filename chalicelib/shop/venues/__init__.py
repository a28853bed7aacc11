"""Venues are the places where concerts are held."""

from chalicelib.platform.manifest import Context

CONTEXT = Context(
    __name__,
    aggregates=("venue.VENUE",),
    routes=("api.routes",),
    projectors={"programme": "projections.PROJECTORS", "sales": "sales.PROJECTORS"},
)
