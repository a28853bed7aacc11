"""Streams shows the log itself to those who may look into it."""

from chalicelib.platform.manifest import Context

CONTEXT = Context(__name__, routes=("api.routes",))
