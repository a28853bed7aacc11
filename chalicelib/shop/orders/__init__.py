"""Orders: payment, confirmation with the tickets in it."""
