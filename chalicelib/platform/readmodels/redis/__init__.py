"""Read models in Redis, which may lose them with its memory."""
