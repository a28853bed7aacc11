"""Decides to which addresses webhooks may be sent, so that nobody reaches our own network through us."""

import socket
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotInTime
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

PUBLIC, LOOPBACK = "public", "loopback"
"""The receivers that a stage may have: any on the internet, or in development also those of this machine."""

PORTS = (443, 8443)
LONGEST_URL = 500
RESOLVES_WITHIN = 5.0

Address = IPv4Address | IPv6Address
Resolve = Callable[[str, int], Sequence[str]]
"""Returns the addresses of a host, for a port.

Raises OSError."""

_GLOBAL_V6 = ip_network("2000::/3")
_NOT_PUBLIC = [
    ip_network(network)
    for network in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",
        "100.64.0.0/10",  # shared by carriers, and by some clouds inside
        "127.0.0.0/8",
        "169.254.0.0/16",  # link-local, where clouds answer with credentials
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",  # relays into IPv6
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "2001::/23",  # Teredo and other protocols, which carry an IPv4 address inside
        "2001:db8::/32",
        "2002::/16",  # 6to4, with an IPv4 address inside
        "3fff::/20",
    )
]


class AddressRefused(Exception):
    """The receiver is at an address to which this stage sends nothing; the message says why."""


@dataclass(frozen=True, slots=True)
class Target:
    """Says where one request goes: it connects to `address`, whatever the name stands for by then."""

    scheme: str
    host: str
    port: int
    address: str
    path: str

    @property
    def authority(self) -> str:
        """Return the value of the header `Host`."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"


_DEFAULT_PORTS = {"https": 443, "http": 80}


def ensure_acceptable(url: str, receivers: str) -> None:
    """Check what can be checked of an address without asking anybody.

    Raises ValueError, which says what is wrong.
    """
    scheme, host, port, _ = _parts(url)
    local = receivers == LOOPBACK
    if scheme != "https" and not (local and scheme == "http"):
        raise ValueError("must begin with https://")
    if not local and port not in PORTS:
        raise ValueError(f"must use port {' or '.join(map(str, PORTS))}")
    try:
        literal = ip_address(host)
    except ValueError:
        if not local and "." not in host.rstrip("."):
            raise ValueError("must name a host on the internet") from None
        return
    if not may_receive(literal, receivers):
        raise ValueError("must be an address on the internet")


def may_receive(address: Address, receivers: str) -> bool:
    """Tell whether webhooks may be sent to an address.

    Everything in IPv6 that stands for another address, as mapped IPv4 does, lies outside of what is public there.
    """
    if receivers == LOOPBACK and address.is_loopback:
        return True
    if isinstance(address, IPv6Address) and (address not in _GLOBAL_V6 or address.scope_id):
        return False
    return not any(address in network for network in _NOT_PUBLIC if network.version == address.version)


def resolve_target(url: str, receivers: str, resolve: Resolve) -> Target:
    """Look the host up, once, and return where to connect.

    One address that is not public makes all of them suspect.
    Raises AddressRefused, or OSError if the host cannot be found.
    """
    try:
        ensure_acceptable(url, receivers)
    except ValueError as error:
        raise AddressRefused(f"The address {error}.") from None
    scheme, host, port, path = _parts(url)
    found = resolve(host, port)
    if not found:
        raise OSError("the name has no address")
    if any(not may_receive(ip_address(address), receivers) for address in found):
        raise AddressRefused("The host is not on the internet.")
    return Target(scheme, host, port, found[0], path)


def look_up(host: str, port: int) -> list[str]:
    """Ask the system for the addresses of a host, and wait for it no longer than `RESOLVES_WITHIN`.

    Raises OSError.
    """
    threads = ThreadPoolExecutor(1)
    try:
        asked = threads.submit(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
        return [str(entry[4][0]) for entry in asked.result(RESOLVES_WITHIN)]
    except NotInTime:
        raise TimeoutError("the name was not found in time") from None
    except UnicodeError:
        raise OSError("the name is no name of a host") from None
    finally:
        threads.shutdown(wait=False, cancel_futures=True)


def _parts(url: str) -> tuple[str, str, int, str]:
    """Return scheme, host, port, and path with query.

    Raises ValueError.
    """
    if len(url) > LONGEST_URL or not url.isascii() or any(sign <= " " or sign in "\\\x7f" for sign in url):
        raise ValueError(f"must be an address of {LONGEST_URL} visible ASCII characters at most")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError("must name a host and a port as addresses do") from None
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise ValueError("must begin with https:// and name a host")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not contain a name or a password")
    if "#" in url:
        raise ValueError("must not contain a fragment")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return parts.scheme, parts.hostname, port or _DEFAULT_PORTS[parts.scheme], path
