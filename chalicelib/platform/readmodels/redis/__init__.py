"""Read models in the memory of Redis."""
