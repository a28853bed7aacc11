"""A proxy before a server on this machine: it counts what reaches the server, and delays the answers."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread

_CHUNK = 65_536


class SlowProxy:
    """Passes everything on. `delay` is in seconds, before each piece of an answer."""

    def __init__(self, host: str, port: int) -> None:
        self.connections = 0
        self.requests = 0
        self.delay = 0.0
        self._server = (host, port)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listening.getsockname()[1]}"
        self._is_over = Event()
        self._open: list[socket.socket] = []

    @contextmanager
    def running(self) -> Iterator["SlowProxy"]:
        accepting = Thread(target=self._accept, daemon=True)
        accepting.start()
        try:
            yield self
        finally:
            self._is_over.set()
            for one in (self._listening, *self._open):
                _close(one)
            accepting.join()

    @property
    def reached(self) -> tuple[int, int]:
        """The connections and requests so far."""
        return self.connections, self.requests

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:  # closed
                return
            self.connections += 1
            try:
                server = socket.create_connection(self._server)
            except OSError:
                _close(client)
                continue
            self._open += [client, server]
            Thread(target=self._ask, args=(client, server), daemon=True).start()
            Thread(target=self._answer, args=(server, client), daemon=True).start()

    def _ask(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while data := client.recv(_CHUNK):
                self.requests += 1
                server.sendall(data)
        _close(server)

    def _answer(self, server: socket.socket, client: socket.socket) -> None:
        with suppress(OSError):
            while data := server.recv(_CHUNK):
                self._is_over.wait(self.delay)
                client.sendall(data)
        _close(client)


def _close(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()
