"""Carts: what a customer selected, with the hold behind each line."""
