"""Health: the state of every server that the shop needs."""
