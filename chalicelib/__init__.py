"""Cloudbash: concert tickets, sold from an event log."""
