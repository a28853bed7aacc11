"""Holds the running shop to its document with requests that schemathesis makes up: `python -m tests.fuzz --help`."""
