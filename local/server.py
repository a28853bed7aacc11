"""Serves Chalice's routes on this machine, answers 4xx to anything malformed, and never just hangs up.

`python -m local.server` is the process that `make run` starts; tests use `running_server`.
"""

import argparse
import importlib
import logging
import os
import re
import signal
import socket
import socketserver
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import FrameType
from typing import Any

from chalice.app import Chalice
from chalice.local import LocalChalice

from local.checkout import PROJECT
from local.gateway import Answer, Gateway, Problem
from local.ports import HOST

log = logging.getLogger("local.server")

LARGEST_BODY = 10 * 1024 * 1024
LARGEST_CHUNK_LINE = 256
DISCARD_AT_MOST = 64 * 1024 * 1024
LINGER = 2.0
BLOCK = 64 * 1024
IDLE_CONNECTION = 75.0
WITHOUT_BODY = (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)

DIGITS = re.compile(r"[0-9]{1,19}")
CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,16})[ \t]*(;.*)?\r?\n")

CODES = {
    HTTPStatus.REQUEST_URI_TOO_LONG: "uri_too_long",
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: "headers_too_large",
    HTTPStatus.HTTP_VERSION_NOT_SUPPORTED: "http_version_not_supported",
}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Else http.server answers a request line it cannot read without a status line.
    default_request_version = "HTTP/1.1"
    timeout = IDLE_CONNECTION
    # Headers and body leave in one packet; without that or with Nagle a kept-alive request costs 44 ms.
    wbufsize = BLOCK
    disable_nagle_algorithm = True

    def __init__(self, *arguments: Any, gateway: Gateway, access_log: bool) -> None:
        self._gateway = gateway
        self._access_log = access_log
        super().__init__(*arguments)

    def _handle(self) -> None:
        try:
            if self.headers.defects:
                raise bad_request("The headers cannot be read.")
            body = self._read_body()
        except Problem as problem:
            self._refuse(problem)
            return
        self._send(self._gateway.answer(self.command, self.path, dict(self.headers), body))

    def __getattr__(self, name: str) -> Callable[[], None]:
        """Handle every method, which http.server looks for as `do_GET` and the like: the gateway knows them."""
        if name.startswith("do_"):
            return self._handle
        raise AttributeError(name)

    def _read_body(self) -> bytes | None:
        lengths = set(self.headers.get_all("Content-Length", []))
        encoding = self.headers.get("Transfer-Encoding")
        if encoding is not None:
            if lengths or encoding.strip().lower() != "chunked":
                raise bad_request("Transfer-Encoding can only be chunked, and without a Content-Length.")
            return self._read_chunks()
        if not lengths:
            return None
        if len(lengths) > 1 or not DIGITS.fullmatch(length := lengths.pop().strip()):
            raise bad_request("Content-Length must be one whole number, not negative.")
        if int(length) > LARGEST_BODY:
            raise too_large()
        return self._read_exactly(int(length)) or None

    def _read_chunks(self) -> bytes | None:
        body = bytearray()
        while size := self._chunk_size():
            if len(body) + size > LARGEST_BODY:
                raise too_large()
            body += self._read_exactly(size)
            if self.rfile.readline(LARGEST_CHUNK_LINE).strip():
                raise bad_request("A chunk of the body is longer than it says.")
        while self.rfile.readline(BLOCK).strip():
            continue  # trailers, which nobody here reads
        return bytes(body) or None

    def _chunk_size(self) -> int:
        found = CHUNK_SIZE.fullmatch(self.rfile.readline(LARGEST_CHUNK_LINE))
        if not found:
            raise bad_request("The chunks of the body cannot be read.")
        return int(found[1], 16)

    def _read_exactly(self, length: int) -> bytes:
        try:
            body = self.rfile.read(length)
        except TimeoutError:
            raise Problem(HTTPStatus.REQUEST_TIMEOUT, "request_timeout", "The body did not come in time.") from None
        if len(body) < length:
            raise bad_request("The body is shorter than its Content-Length.")
        return body

    def _refuse(self, problem: Problem) -> None:
        """Answer and close the connection: what is left of this request must not be taken for the next one."""
        self.close_connection = True
        self._send(problem.answer())
        self._linger()

    def _linger(self) -> None:
        """Read on before closing: unread data would reset the connection, and the client would lose the answer."""
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)
            self.connection.settimeout(LINGER)
            left = DISCARD_AT_MOST
            while left > 0 and (block := self.connection.recv(BLOCK)):
                left -= len(block)

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers:
            self.send_header(name, value)
        has_content = self.command != "HEAD" and answer.status not in WITHOUT_BODY
        if has_content:
            self.send_header("Content-Length", str(len(answer.body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if has_content:
            self.wfile.write(answer.body)
        self.wfile.flush()

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer for http.server, which refuses some requests before there is one to route."""
        status = HTTPStatus(code)
        detail = explain or message or status.description or status.phrase
        self._refuse(Problem(status, CODES.get(status, "malformed_request"), detail))

    def handle_expect_100(self) -> bool:
        proceed = super().handle_expect_100()
        self.wfile.flush()
        return proceed

    def version_string(self) -> str:
        return "cloudbash"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        if self._access_log:
            super().log_request(code, size)

    def log_error(self, format: str, *args: Any) -> None:  # noqa: A002 - the name http.server gives it
        log.debug(format, *args)


def bad_request(detail: str) -> Problem:
    return Problem(HTTPStatus.BAD_REQUEST, "malformed_request", detail)


def too_large() -> Problem:
    detail = f"A body may have {LARGEST_BODY} bytes."
    return Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "body_too_large", detail)


class Server(socketserver.ThreadingMixIn, HTTPServer):
    daemon_threads = True
    request_queue_size = 1024

    def server_bind(self) -> None:
        """Bind as HTTPServer does, without asking a name server for the name of 127.0.0.1."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]  # type: ignore[assignment]  # a str for a host

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Report errors, except that a client went away."""
        if not isinstance(sys.exc_info()[1], (ConnectionError, TimeoutError)):
            log.exception("request from %s on %s", client_address, request)


@contextmanager
def one_request_per_thread(app: Chalice) -> Iterator[None]:
    """Let the app handle one request per thread, as `chalice local` does: it stores the current request in itself."""
    original = app.__class__
    app.__class__ = type("ThreadedChalice", (_Threaded, original), {})
    try:
        yield
    finally:
        app.__class__ = original


class _Threaded(LocalChalice):
    @property
    def lambda_context(self) -> Any:
        return getattr(self._THREAD_LOCAL, "lambda_context", None)

    @lambda_context.setter
    def lambda_context(self, value: Any) -> None:
        self._THREAD_LOCAL.lambda_context = value


@contextmanager
def running_server(app: Chalice, port: int = 0, access_log: bool = False) -> Iterator[str]:
    """Run the server in a thread, on a free port if none is given, and yield its base URL."""
    with one_request_per_thread(app), _server(app, HOST, port, access_log) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield f"http://{HOST}:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def serve(app: Chalice, host: str, port: int, access_log: bool = False) -> None:
    """Serve until the process is told to end."""
    with one_request_per_thread(app), _server(app, host, port, access_log) as server:
        server.serve_forever()


def _server(app: Chalice, host: str, port: int, access_log: bool) -> Server:
    return Server((host, port), partial(Handler, gateway=Gateway(app), access_log=access_log))


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m local.server", description="Serve the API.")
    parser.add_argument("--port", type=int, default=int(os.environ.get("PORT", "8000")), help="serve on this port")
    parser.add_argument("--app-directory", type=Path, default=PROJECT, help="use app.py from this directory")
    parser.add_argument("--access-log", action="store_true", help="log every request")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")
    sys.path.insert(0, str(options.app_directory))

    def end(signum: int, frame: FrameType | None) -> None:  # noqa: ARG001 - what a signal handler is given
        sys.exit(0)

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    serve(importlib.import_module("app").app, HOST, options.port, options.access_log)


if __name__ == "__main__":
    main(sys.argv[1:])
