"""Venues: where concerts take place."""
