"""Venues: where concerts take place."""

from chalicelib.platform.manifest import Context

CONTEXT = Context(
    __name__,
    aggregates=("venue.VENUE",),
    routes=("api.routes",),
    projectors={"programme": "projections.PROJECTORS"},
)
