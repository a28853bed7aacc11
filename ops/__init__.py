"""Operator commands: `python -m ops --help`. Never shipped to Lambda."""
