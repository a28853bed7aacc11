"""A system of an organiser, which receives webhooks on this machine and judges them by the official library."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook

Json = dict[str, Any]


@dataclass(frozen=True)
class Received:
    """One request, as it came."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def message(self) -> Json:
        message: Json = json.loads(self.body)
        return message

    @property
    def kind(self) -> str:
        return str(self.message["type"])

    def verified_with(self, secret: str) -> Json:
        """The message, if the signature is right; otherwise the library raises."""
        verified: Json = Webhook(secret).verify(self.body, dict(self.headers))
        return verified


@dataclass
class Receiver:
    """Answers every request with `answer`, and keeps all of them: those that it took and those that it refused."""

    url: str
    answer: int = 204
    location: str = ""
    taken: list[Received] = field(default_factory=list)
    refused: list[Received] = field(default_factory=list)

    def kinds_about(self, key: str, name: str = "order_id") -> list[str]:
        """The kinds of the messages that were taken, about one order, in the order in which they came."""
        return [one.kind for one in self.taken if one.message["data"].get(name) == key]

    def ids(self) -> list[str]:
        return [one.id for one in self.taken]


@contextmanager
def running_receiver() -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            received = Received(self.path, headers, body)
            (receiver.taken if receiver.answer < 300 else receiver.refused).append(received)
            self.send_response(receiver.answer)
            if receiver.location:
                self.send_header("Location", receiver.location)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver = Receiver(f"http://127.0.0.1:{server.server_port}/hooks")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
