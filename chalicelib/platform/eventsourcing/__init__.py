"""Events, aggregates, and the store they live in."""
