"""To which addresses webhooks are sent: to the internet, and never by a detour into a network of ours."""

import socket
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address
from threading import Thread

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.shop.webhooks.addresses import (
    LOOPBACK,
    PUBLIC,
    AddressRefused,
    ensure_acceptable,
    may_receive,
    resolve_target,
)
from chalicelib.shop.webhooks.transport import HttpReceivers

URL = "https://box-office.example/hooks?shop=1"

NOT_PUBLIC = """
0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 127.0.0.1 127.255.0.1 169.254.169.254
169.254.170.2 172.16.0.1 172.31.255.255 192.0.0.1 192.0.2.1 192.88.99.1 192.168.0.1 198.18.0.1
198.51.100.7 203.0.113.9 224.0.0.1 239.1.1.1 240.0.0.1 255.255.255.255 :: ::1 ::ffff:127.0.0.1
::ffff:10.0.0.1 ::ffff:169.254.169.254 ::ffff:8.8.8.8 ::127.0.0.1 64:ff9b::7f00:1 64:ff9b::a9fe:a9fe
64:ff9b:1::1 100::1 2001::1 2001:0:7f00:1::1 2001:10::1 2001:db8::1 2002:7f00:1::1 2002:a9fe:a9fe::1
3fff::1 5f00::1 fc00::1 fd00:ec2::254 fe80::1 fe80::1%eth0 fec0::1 ff02::1
"""
ON_THE_INTERNET = """
1.1.1.1 8.8.8.8 100.63.255.255 100.128.0.1 172.15.0.1 172.32.0.1 2606:4700::1111 2a00:1450::1
"""


@pytest.mark.parametrize("address", NOT_PUBLIC.split())
def test_what_is_not_on_the_internet_is_refused(address: str) -> None:
    assert not may_receive(ip_address(address), PUBLIC)


@pytest.mark.parametrize("address", ON_THE_INTERNET.split())
def test_what_is_on_the_internet_may_receive(address: str) -> None:
    assert may_receive(ip_address(address), PUBLIC)


@settings(deadline=None)
@given(st.ip_addresses())
def test_whatever_python_knows_as_not_global_is_refused(address: IPv4Address | IPv6Address) -> None:
    if not address.is_global or address.is_multicast:
        assert not may_receive(address, PUBLIC)


@settings(deadline=None)
@given(st.ip_addresses(v=4))
def test_no_ipv4_address_is_reached_by_a_form_of_ipv6(address: IPv4Address) -> None:
    forms = [f"::ffff:{address}", f"::{address}", f"64:ff9b::{address}"]
    assert not any(may_receive(ip_address(form), PUBLIC) for form in forms)


@pytest.mark.parametrize("address", ["10.0.0.1", "169.254.169.254", "192.168.1.1", "::ffff:10.0.0.1", "fd00::1"])
def test_development_lets_in_this_machine_and_no_network(address: str) -> None:
    assert may_receive(ip_address("127.0.0.1"), LOOPBACK)
    assert may_receive(ip_address("::1"), LOOPBACK)
    assert not may_receive(ip_address(address), LOOPBACK)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://box-office.example/", "must begin with https://"),
        ("ftp://box-office.example/", "must begin with https:// and name a host"),
        ("https:///hooks", "must begin with https:// and name a host"),
        ("https://box-office.example:22/", "must use port 443 or 8443"),
        ("https://user@box-office.example/", "must not contain a name or a password"),
        ("https://box-office.example/#part", "must not contain a fragment"),
        ("https://box-office.example/\r\nHost: x", "visible ASCII"),
        ("https://b\u00f6x.example/", "visible ASCII"),
        ("https://localhost/", "must name a host on the internet"),
        ("https://intranet./", "must name a host on the internet"),
        ("https://127.0.0.1/", "must be an address on the internet"),
        ("https://[::1]/", "must be an address on the internet"),
        ("https://[::ffff:169.254.169.254]/", "must be an address on the internet"),
        ("https://box-office.example:99999/", "must name a host and a port"),
        ("https://[::1", "must name a host and a port"),
        ("https://box-office.example:http/", "must name a host and a port"),
        (f"https://box-office.example/{'a' * 500}", "500 visible"),
    ],
)
def test_an_address_that_cannot_receive_is_refused_without_asking_anybody(url: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        ensure_acceptable(url, PUBLIC)


@pytest.mark.parametrize(
    "url", [URL, "https://8.8.8.8/", "https://box-office.example:8443", "https://2130706433.example/"]
)
def test_an_address_on_the_internet_is_acceptable(url: str) -> None:
    ensure_acceptable(url, PUBLIC)


class Names:
    """A name server whose answers change: each is given once, and the last one from then on."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(f"{host}:{port}")
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def test_a_host_is_looked_up_once_and_connected_to_by_its_address() -> None:
    names = Names(["8.8.8.8", "1.1.1.1"])
    target = resolve_target(URL, PUBLIC, names)
    assert (target.address, target.host, target.port, target.path) == (
        "8.8.8.8",
        "box-office.example",
        443,
        "/hooks?shop=1",
    )
    assert target.authority == "box-office.example"
    assert names.asked == ["box-office.example:443"]


@pytest.mark.parametrize("found", [["10.0.0.1"], ["8.8.8.8", "127.0.0.1"], ["::ffff:169.254.169.254"]])
def test_a_host_with_any_address_of_ours_is_refused(found: list[str]) -> None:
    with pytest.raises(AddressRefused):
        resolve_target(URL, PUBLIC, Names(found))


@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "127.1", "017700000001"])
def test_a_number_that_the_system_takes_for_an_address_is_judged_as_what_it_is(host: str) -> None:
    with pytest.raises((AddressRefused, ValueError)):
        resolve_target(f"https://{host}/", PUBLIC, Names(["127.0.0.1"]))


def test_a_name_that_changes_after_the_check_leads_nowhere_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who answers with a public address first, and with one of ours then, is asked once and reached by the first."""
    connected: list[tuple[str, int]] = []

    def connect(address: tuple[str, int], *_: object) -> socket.socket:
        connected.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr("chalicelib.shop.webhooks.transport.create_connection", connect)
    names = Names(["8.8.8.8"], ["169.254.169.254"])
    receivers = HttpReceivers(PUBLIC, names)
    assert receivers.post(URL, {}, b"{}").error == "no answer: ConnectionRefusedError"
    assert (connected, names.asked) == ([("8.8.8.8", 443)], ["box-office.example:443"])
    assert receivers.post(URL, {}, b"{}").error == "address refused: The host is not on the internet."
    assert connected == [("8.8.8.8", 443)]


def test_a_receiver_that_lets_its_answer_drip_is_left_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip() -> None:
            connection, _ = server.accept()
            with connection:
                connection.settimeout(0.02)
                for byte in b"HTTP/1.1 200 OK\r\nX: " + b"x" * 10_000:
                    try:
                        connection.sendall(bytes([byte]))
                        connection.recv(1)
                    except TimeoutError:
                        continue
                    except OSError:
                        return

        dripping = Thread(target=drip, daemon=True)
        dripping.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        reply = HttpReceivers(LOOPBACK, within=0.3).post(url, {}, b"{}")
    assert (reply.status, reply.error) == (None, "no answer in time")


def test_a_receiver_that_answers_with_no_http_is_a_failure() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"hello\r\n\r\n")

        Thread(target=answer, daemon=True).start()
        reply = HttpReceivers(LOOPBACK).post(f"http://127.0.0.1:{server.getsockname()[1]}/", {}, b"{}")
    assert (reply.status, reply.error, reply.is_success) == (None, "no answer: BadStatusLine", False)
