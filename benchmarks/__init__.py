"""Measures what the shop costs and how fast it is, and names machine and store. It is never shipped to Lambda."""
