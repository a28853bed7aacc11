"""The events of every context. With this imported, any event of the log can be told from what is none, and read.

Imported events do not store the type of their aggregate: only their class knows it.
"""

from chalicelib.shop.access import events as access
from chalicelib.shop.carts import events as carts
from chalicelib.shop.concerts import events as concerts
from chalicelib.shop.inventory import events as inventory
from chalicelib.shop.orders import events as orders
from chalicelib.shop.venues import events as venues

__all__ = ["access", "carts", "concerts", "inventory", "orders", "venues"]
