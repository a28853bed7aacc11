"""Tells what happened to an order, from the events of its streams, as far as the reader may know it (ADR 67)."""
