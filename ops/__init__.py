"""Holds the operator commands: `python -m ops --help`. They are never shipped to Lambda."""
