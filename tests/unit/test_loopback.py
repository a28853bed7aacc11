"""While something made-up runs, nothing in its process reaches another machine."""

import socket
from collections.abc import Callable

import pytest

from tests.fuzz.loopback import NotOnThisMachine, is_here, only_this_machine


@pytest.mark.parametrize("address", ["127.0.0.1", "localhost", "::1", ("127.0.0.1", 80), "/run/socket", None])
def test_this_machine_is_reached(address: object) -> None:
    assert is_here(address)


@pytest.mark.parametrize("address", ["box-office.example", "169.254.169.254", "10.0.0.1", ("192.0.2.1", 443)])
def test_no_other_machine_is_reached(address: object) -> None:
    assert not is_here(address)


@pytest.mark.parametrize(
    "reach",
    [
        lambda: socket.create_connection(("192.0.2.1", 443), 0.01),
        lambda: socket.getaddrinfo("box-office.example", 443),
        lambda: socket.gethostbyname("box-office.example"),
        lambda: socket.socket(type=socket.SOCK_DGRAM).sendto(b"", ("192.0.2.1", 53)),
    ],
)
def test_whoever_tries_is_told(reach: Callable[[], object]) -> None:
    with only_this_machine(), pytest.raises(NotOnThisMachine):
        reach()


def test_a_server_on_this_machine_is_reached_all_the_same() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, only_this_machine():
        socket.create_connection(server.getsockname(), 1).close()
