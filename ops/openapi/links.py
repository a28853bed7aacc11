"""Says which routes come after which when somebody buys: clients find their way by it, and so does the fuzz."""

from collections.abc import Mapping
from typing import Any

Json = dict[str, Any]
Parameters = Mapping[str, str]

_OF_NEW_CART: Parameters = {"cart_id": "$response.body#/id"}
_OF_SAME_CART: Parameters = {"cart_id": "$request.path.cart_id"}
_OF_NEW_ORDER: Parameters = {"order_id": "$response.body#/order_id"}

LINKS: Mapping[str, Mapping[str, Parameters]] = {
    "create_cart": {"get_cart": _OF_NEW_CART, "add_item": _OF_NEW_CART, "check_out": _OF_NEW_CART},
    "add_item": {
        "get_cart": _OF_SAME_CART,
        "check_out": _OF_SAME_CART,
        "remove_item": {**_OF_SAME_CART, "item_id": "$response.body#/item_id"},
    },
    "check_out": {
        "get_order": _OF_NEW_ORDER,
        "pay_order": _OF_NEW_ORDER,
        "cancel_order": _OF_NEW_ORDER,
        "get_timeline": _OF_NEW_ORDER,
    },
    "pay_order": {
        "get_order": {"order_id": "$request.path.order_id"},
        "list_tickets": {"order_id": "$request.path.order_id"},
    },
}
"""By the operation that succeeds, those that take up what it made, and where their parameters come from."""


def add_links(operation_id: str, responses: Json) -> None:
    """Add the links of an operation to its successes."""
    links = {
        name: {"operationId": name, "parameters": dict(parameters)}
        for name, parameters in LINKS.get(operation_id, {}).items()
    }
    for status, response in responses.items():
        if links and status.startswith("2"):
            response["links"] = links
