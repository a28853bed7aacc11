"""Keeps whatever runs in this process on this machine: made-up addresses of webhooks must not be called."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from typing import Any

LOOKS_UP = {"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyname_ex"}
SENDS = {"socket.connect", "socket.sendto"}


class NotOnThisMachine(OSError):
    """Somebody wanted to reach another machine; a receiver of webhooks is then one that does not answer."""


class _Hook:
    """Is asked before every look-up and connection of Python. It stays for ever, and counts while it `is_on`."""

    def __init__(self) -> None:
        self.is_on = False
        sys.addaudithook(self)

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.is_on and event in LOOKS_UP and not is_here(arguments[0]):
            raise NotOnThisMachine(f"{event} of {arguments[0]}")
        if self.is_on and event in SENDS and not is_here(arguments[1]):
            raise NotOnThisMachine(f"{event} to {arguments[1]}")


def is_here(address: object) -> bool:
    """Tell whether a host, or the address of a socket, is this machine itself."""
    if isinstance(address, tuple):
        address = address[0]
    name = address.decode() if isinstance(address, bytes) else str(address)
    if name in {"localhost", "None"} or name.startswith("/"):
        return True
    try:
        return ip_address(name.partition("%")[0]).is_loopback
    except ValueError:
        return False


_hooks: list[_Hook] = []


@contextmanager
def only_this_machine() -> Iterator[None]:
    """Refuse every look-up of a name and every connection that leads elsewhere, with NotOnThisMachine."""
    if not _hooks:
        _hooks.append(_Hook())
    [hook] = _hooks
    hook.is_on = True
    try:
        yield
    finally:
        hook.is_on = False
