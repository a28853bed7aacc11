"""The network address of a caller, as far as limits may depend on it."""

from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from typing import Any

_IPV6 = 6
_ONE_SITE = 64
"""A home or a telephone has so many bits of an IPv6 address, and may take any address with them."""


def address_of(context: Mapping[str, Any]) -> str:
    """Return the address that API Gateway has seen, of IPv6 the network of 64 bits; empty if there is none."""
    try:
        address = ip_address((context.get("identity") or {}).get("sourceIp") or "")
    except ValueError:
        return ""
    if address.version == _IPV6:
        return str(ip_network((address, _ONE_SITE), strict=False))
    return str(address)
