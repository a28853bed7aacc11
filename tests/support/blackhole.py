"""A server that takes every connection and never says a word: worse than one that refuses."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread


class Blackhole:
    def __init__(self) -> None:
        self.visitors: list[socket.socket] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listening.getsockname()[1]}"
        self._thread = Thread(target=self._accept, daemon=True)

    @contextmanager
    def open(self) -> Iterator["Blackhole"]:
        self._thread.start()
        try:
            yield self
        finally:
            self._listening.shutdown(socket.SHUT_RDWR)
            self._listening.close()
            self._thread.join()
            for visitor in self.visitors:
                visitor.close()

    def _accept(self) -> None:
        while True:
            try:
                visitor, _ = self._listening.accept()
            except OSError:  # closed
                return
            self.visitors.append(visitor)
