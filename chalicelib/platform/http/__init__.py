"""HTTP: the only package, beside each context's `api.py`, that knows Chalice."""
