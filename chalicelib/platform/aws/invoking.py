"""Calls another function, and waits for its answer."""

import json
from typing import Any

from chalicelib.platform.aws.clients import make_client
from chalicelib.platform.aws.failures import failures_as_unavailable
from chalicelib.platform.errors import Unavailable
from chalicelib.platform.failures import Failure

PATIENCE = 12
"""Seconds for one answer, that of a function which has to start included; with it, two tries fit into a request."""


class Invoker:
    """Calls one function by its name; `server` is what an answer calls it that it cannot give."""

    def __init__(self, function: str, server: str) -> None:
        self._function, self._server = function, server
        self._client = make_client("lambda", PATIENCE)

    def __call__(self, event: dict[str, Any]) -> dict[str, Any]:
        """Return what the function answers. Raises Unavailable, also for a function that failed."""
        with failures_as_unavailable(self._server, otherwise=Failure.MISCONFIGURED):
            answer = self._client.invoke(FunctionName=self._function, Payload=json.dumps(event).encode())
            content = answer["Payload"].read()
        if "FunctionError" in answer:
            raise Unavailable(f"{self._server} has failed.")
        answered: dict[str, Any] = json.loads(content)
        return answered
