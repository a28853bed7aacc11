"""Serves HTTP. Only this package and each context's `api.py` know Chalice."""
