"""Health tells everybody that the API answers, and operators the state of every server that the shop needs."""

from chalicelib.platform.manifest import Context

CONTEXT = Context(__name__, routes=("api.routes",))
