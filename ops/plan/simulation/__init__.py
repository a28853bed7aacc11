"""The on-sale, event by event, in simulated time: what the formulas say is checked against it.

The first seconds are simulated at full size: everybody who comes until the last ticket is held, and a little longer.
Whoever got tickets goes on to pay. The same seed gives the same sale.
"""
