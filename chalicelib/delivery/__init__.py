"""Delivery of events from the log to whoever follows it: never lost, never twice, never out of order."""
