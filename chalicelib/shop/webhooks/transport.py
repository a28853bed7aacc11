"""Sends one message to a receiver, within bounds of time and size that no receiver can stretch."""

import ssl
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from http.client import HTTPConnection, HTTPException
from socket import SHUT_RDWR, create_connection, socket
from threading import Timer
from typing import Protocol

from chalicelib.shop.webhooks.addresses import AddressRefused, Resolve, Target, look_up, resolve_target

CONNECTS_WITHIN = 3.0
ANSWERS_WITHIN = 10.0
"""All of one request, from connecting to the end of the answer, takes no longer than this, in seconds."""

MOST_READ = 16 * 1024
"""So much of an answer is read at most; what it says does not matter."""


@dataclass(frozen=True, slots=True)
class Reply:
    """Tells what became of one attempt: the status of an answer, or why there is none."""

    status: int | None = None
    error: str = ""
    milliseconds: int = 0

    @property
    def is_success(self) -> bool:
        return self.status is not None and 200 <= self.status < 300  # noqa: PLR2004 - HTTP's own classes

    @property
    def is_gone(self) -> bool:
        """Tell whether the receiver wants nothing any more, as Standard Webhooks lets it say."""
        return self.status == 410  # noqa: PLR2004


class Receivers(Protocol):
    """Reaches receivers; `post` never raises for anything that a receiver or its name server does."""

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Reply: ...


class HttpReceivers:
    """Posts over HTTP. A redirect is an answer like any other, and is not followed."""

    def __init__(self, allowed: str, resolve: Resolve = look_up, within: float = ANSWERS_WITHIN) -> None:
        self._allowed = allowed
        self._resolve = resolve
        self._within = within

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
        began = time.monotonic()
        status, error = self._try(url, headers, body)
        return Reply(status, error, round(1000 * (time.monotonic() - began)))

    def _try(self, url: str, headers: Mapping[str, str], body: bytes) -> tuple[int | None, str]:
        try:
            target = resolve_target(url, self._allowed, self._resolve)
            return self._exchange(target, headers, body), ""
        except AddressRefused as refusal:
            return None, f"address refused: {refusal}"
        except ssl.SSLError as error:
            return None, f"TLS failed: {error.reason or 'no reason given'}"
        except TimeoutError:
            return None, "no answer in time"
        except (HTTPException, OSError, ValueError) as error:
            return None, f"no answer: {type(error).__name__}"

    def _exchange(self, target: Target, headers: Mapping[str, str], body: bytes) -> int:
        connection = _ConnectionTo(target)
        ends_at = time.monotonic() + self._within
        deadline = Timer(self._within, connection.abort)
        deadline.daemon = True
        deadline.start()
        try:
            connection.request("POST", target.path, body, {"Host": target.authority, **headers})
            answer = connection.getresponse()
            answer.read(MOST_READ)
        finally:
            deadline.cancel()
            connection.close()
            # What was cut off in time may look like an end, or like any other failure.
            if time.monotonic() >= ends_at:
                raise TimeoutError
        return answer.status


class _ConnectionTo(HTTPConnection):
    """Connects to the address that was checked, and to nothing that the name may stand for since."""

    def __init__(self, target: Target) -> None:
        super().__init__(target.host, target.port, timeout=CONNECTS_WITHIN)
        self._target = target
        self._is_aborted = False

    def connect(self) -> None:
        plain = create_connection((self._target.address, self._target.port), CONNECTS_WITHIN)
        self.sock = plain
        if self._target.scheme == "https":
            self.sock = _tls().wrap_socket(plain, server_hostname=self._target.host)
        self.sock.settimeout(ANSWERS_WITHIN)
        if self._is_aborted:
            self.abort()

    def abort(self) -> None:
        """End the exchange from another thread, however the receiver lets its bytes drip."""
        self._is_aborted = True
        open_socket: socket | None = self.sock
        if open_socket is not None:
            with suppress(OSError):
                open_socket.shutdown(SHUT_RDWR)


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()
