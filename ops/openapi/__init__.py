"""Generates the API's document from the code."""
