"""Simulates the on-sale event by event, to check the formulas.

The first seconds are simulated at full size: everybody who comes until the last ticket is held, and a little longer.
Buyers with tickets go on to pay. The same seed gives the same sale.
"""
