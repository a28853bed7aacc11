"""The contexts of the shop: what this one sells, and how."""
