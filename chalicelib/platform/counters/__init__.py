"""Counts that all containers share, each for a while."""
