"""Concerts: what is played where and when, and which tickets there are."""
