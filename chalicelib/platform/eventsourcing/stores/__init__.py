"""The event stores: one port, one contract, two places."""
