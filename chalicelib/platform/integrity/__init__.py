"""Proves what the log once held, by signed heads of its streams that nobody can change (ADR 15)."""
