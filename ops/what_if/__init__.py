"""Replays a real sale from its log under other rules, and compares."""
