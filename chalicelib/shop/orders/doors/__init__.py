"""Codes on tickets, and the doors at which they are shown."""
