"""The network address of a caller, as limits know it."""

from typing import Any

import pytest

from chalicelib.platform.http.addresses import address_of


@pytest.mark.parametrize(
    ("context", "address"),
    [
        ({"identity": {"sourceIp": "192.0.2.7"}}, "192.0.2.7"),
        ({"identity": {"sourceIp": "2001:db8:1:2:3:4:5:6"}}, "2001:db8:1:2::/64"),
        ({"identity": {"sourceIp": "2001:db8:1:2::1"}}, "2001:db8:1:2::/64"),
        ({"identity": {"sourceIp": "nonsense"}}, ""),
        ({"identity": {"sourceIp": None}}, ""),
        ({"identity": None}, ""),
        ({}, ""),
    ],
)
def test_an_address_is_a_host_or_the_network_of_a_home(context: dict[str, Any], address: str) -> None:
    assert address_of(context) == address
