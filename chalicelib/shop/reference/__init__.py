"""Reference gives client developers the API's document, as it is generated from the code."""

from chalicelib.platform.manifest import Context

CONTEXT = Context(__name__, routes=("api.routes",))
