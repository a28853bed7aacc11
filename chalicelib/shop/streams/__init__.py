"""Streams: the log itself, for those who may look into it."""

from chalicelib.platform.manifest import Context

CONTEXT = Context(__name__, routes=("api.routes",))
